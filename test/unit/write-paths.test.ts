import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastingActs } from '../../systems/lasting-acts.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const sources = (folder: string): [path: string, text: string][] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && file.name.endsWith('.ts'))
    .map((file) => join(file.parentPath, file.name))
    .map((path) => [path.slice(root.length).replace(/^\//, ''), readFileSync(path, 'utf8')]);

/** How often something stands in each file that has it. */
const places = (folders: string[], pattern: RegExp): Record<string, number> =>
  Object.fromEntries(
    folders
      .flatMap(sources)
      .map(([path, text]): [string, number] => [path, [...text.matchAll(pattern)].length])
      .filter(([, count]) => count > 0)
      .sort(([one], [other]) => one.localeCompare(other)),
  );

/** Whoever adds a place here asks for a permit right before it, in the same turn of the event loop, or says why nothing is changed by it. */
describe('Every place where something leaves for a system that it may change is known', () => {
  const remote = ['systems/ssh', 'systems/scp', 'systems/lunash', 'systems/lunacm', 'systems/windows', 'systems/ciphertrust', 'systems/azure'];

  it('what is written to a channel, or asked of SFTP', () =>
    assert.deepEqual(
      places(
        remote,
        /\b(?:terminal|remote|channel|socket|stream|sftp|client)\.(?:write\w*|unlink|open|rename|mkdir|rmdir|\w*setstat|fast\w+|createWriteStream)\(/g,
      ),
      {
        // A line or an answer; Ctrl-C: each under its permit.
        'systems/lunash/session.ts': 2,
        // Acknowledgements of a file that is fetched; header and content of one that is put, each under its permit.
        'systems/scp/rcp.ts': 3,
        // Open, write, unlink: each under its permit.
        'systems/windows/windows.ts': 3,
      },
    ));

  it('SSH commands, shells and channels', () =>
    // `holdCommands` holds each command until its permit is there; a shell or a channel that was opened says nothing by itself.
    assert.deepEqual(places(remote, /#client\.(?:exec|shell|sftp|forwardOut|subsys|openssh_\w+|forwardIn)\(/g), { 'systems/ssh/connection.ts': 4 }));

  it('SSH sign-ins', () => assert.deepEqual(places(['systems', 'activities'], /new ssh2\.Client\(/g), { 'systems/ssh/connection.ts': 1 }));

  it('HTTP clients and agents', () => {
    assert.deepEqual(
      places(
        ['systems', 'activities'],
        /axios\.(?:create|request|get|post|put|patch|delete)\(|(?<=await |return |= |=> )fetch\(|(?<![#.\w])(?:http|https|tls)\.(?:request|get|connect)\(/g,
      ),
      {
        'systems/ciphertrust/ciphertrust.ts': 1,
        // A GET, for the Date header alone.
        'systems/ciphertrust/server-time.ts': 1,
      },
    );
    // `PinnedAgent` and `OutboundAgent`: both ask for the permit after TLS.
    assert.deepEqual(places(['systems', 'activities'], /extends Agent\b|new (?:https\.)?Agent\(|SocksProxyAgent\(/g), {
      'systems/ciphertrust/tls.ts': 1,
      'systems/outbound.ts': 1,
    });
  });

  it('clients of Azure Resource Manager: all of them get the policy that asks for permits', () => {
    assert.deepEqual(places(['systems', 'activities'], /new \w+\.\w+(?:Client|Provider|Agreements)\(/g), { 'systems/azure/azure.ts': 7 });
    assert.deepEqual(places(['systems', 'activities'], /underPermit\(/g), { 'systems/azure/azure.ts': 1 });
  });

  it('what may go on after a permit: each act of the table is named by who starts it, and declared by a step', () => {
    for (const act of Object.keys(lastingActs)) {
      const named = new RegExp(`'${act}'`, 'g');
      assert.notDeepEqual(places(['systems'], named), { 'systems/lasting-acts.ts': 1 }, `${act} is started somewhere`);
      assert.notDeepEqual(places(['activities'], named), {}, `${act} is declared by a rule`);
    }
  });
});
