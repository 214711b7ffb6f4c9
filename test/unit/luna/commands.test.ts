import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Every group of LunaSH commands of appliance software 7.x (docs/reference/luna.md#wording). */
const groups = 'audit|client|hsm|htl|my|network|ntls|package|partition|service|status|stc|sysconf|syslog|token|user|webserver';
/** What stands first in a string and looks like a command: its words, up to an option or something that is filled in. */
const command = new RegExp(`['"\`]((?:${groups})(?: [a-zA-Z]+){1,3})(?=['"\`]| -| \\$\\{| 12)`, 'g');

const commandsIn = (text: string): string[] => [...text.matchAll(command)].map(([, words]) => words!);

/** What is asked of the appliance, and nothing else: whoever adds one thinks about what it may destroy. */
const known = {
  looks: [
    'client fingerprint',
    'client hostip show',
    'client list',
    'client show',
    'hsm show',
    'network show',
    'ntls show',
    'partition list',
    'partition show',
    'service status ntls',
    'status date',
  ],
  changes: [
    'client assignPartition',
    'client delete',
    'client hostip map',
    'client hostip unmap',
    'client register',
    'hsm changePolicy',
    'hsm init',
    'hsm login',
    'ntls bind',
    'partition create',
    'service restart ntls',
    'sysconf regenCert',
    'sysconf time',
  ],
  /** The partition’s own, in lunacm. */
  lunacm: ['partition contents', 'partition init', 'partition showinfo'],
};

describe('The commands that the appliance is given', () => {
  const found = new Set(globSync('{activities,systems}/**/*.ts', { cwd: root }).flatMap((file) => commandsIn(readFileSync(`${root}${file}`, 'utf8'))));

  it('are these and no others; of the network there is only a look', () => {
    assert.deepEqual([...found].sort(), Object.values(known).flat().sort());
    assert.deepEqual(
      [...found].filter((words) => words.startsWith('network')),
      ['network show'],
    );
  });

  it('would be noticed in any form', () => {
    const planted =
      "session.change('network interface static -device eth0'); raw(`hsm factoryReset -force`); read(\"network route add\"); 'sysconf config factoryReset'";
    assert.deepEqual(commandsIn(planted), ['network interface static', 'hsm factoryReset', 'network route add', 'sysconf config factoryReset']);
  });
});
