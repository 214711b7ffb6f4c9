import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SocksClient } from 'socks';
import type { AzureState } from '../../simulator/azure/state.ts';
import type { Fault } from '../../simulator/faults.ts';
import type { Marks } from '../../simulator/operations.ts';
import { StateFile } from '../../simulator/state-file.ts';
import { until } from '../support/until.ts';

const main = fileURLToPath(new URL('../../simulator/main.ts', import.meta.url));
const hsmAddress = '172.22.1.4';

interface Ready {
  arm: string;
  socks: string;
  control: string;
  caFile: string;
  luna: { host: string; port: number; ip: string };
  windows: { host: string; port: number; ip: string };
  ciphertrust: { url: string; ip: string };
}
interface Shown {
  timeScale: number;
  variants: Record<string, string>;
  resources: { type: string; provisioningState: string }[];
  appliances: { address: string; label: string; zeroized: boolean; partitions: { name: string }[] }[];
  windowsHosts: string[];
  cipherTrusts: { address: string; status: string }[];
}

describe('The simulator as a program', function () {
  this.timeout(60_000);
  let folder: string;
  let child: ChildProcess;
  let ready: Ready;
  let said = '';

  async function start(...options: string[]): Promise<void> {
    const file = join(folder, 'ready.json');
    await rm(file, { force: true });
    child = spawn(process.execPath, [main, '--time-scale', '600', '--state', join(folder, 'world', 'state.json'), '--ready-file', file, ...options]);
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (said += chunk));
    await until('the ready file', async () => {
      if (child.exitCode !== null) throw new Error(`the simulator ended: ${said}`);
      return existsSync(file) ? true : undefined;
    });
    ready = JSON.parse(readFileSync(file, 'utf8'));
  }

  async function end(): Promise<number | null> {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    return (await ended)[0];
  }

  async function control<T>(method: string, path: string, body?: object): Promise<{ status: number; body: T }> {
    const response = await fetch(`${ready.control}${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? (undefined as T) : JSON.parse(text) };
  }
  const world = async () => (await control<Shown>('GET', '/world')).body;

  /** The first bytes that a machine says through the proxy. */
  async function greeting(ip: string): Promise<string> {
    const { hostname, port } = new URL(ready.socks);
    const proxy = { host: hostname, port: Number(port), type: 5 } as const;
    const { socket } = await SocksClient.createConnection({ proxy, command: 'connect', destination: { host: ip, port: 22 } });
    const [chunk] = await once(socket, 'data');
    socket.destroy();
    return `${chunk}`;
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'simulator-'));
    await start('--scenario', 'ready-hsm', '--variant', 'luna.zone=UTC', '--fault', 'unsealed');
  });
  after(async () => {
    if (child.exitCode === null) await end();
    await rm(folder, { recursive: true });
  });

  it('tells where everything is, in a file for its owner only', () => {
    assert.equal(statSync(join(folder, 'ready.json')).mode & 0o077, 0);
    assert.match(readFileSync(ready.caFile, 'utf8'), /BEGIN CERTIFICATE/);
    assert.deepEqual([ready.luna.ip, ready.windows.ip, ready.ciphertrust.ip], [hsmAddress, '172.22.0.4', '172.22.0.5']);
    for (const line of ['ARM', 'authority', 'SOCKS5', 'control']) assert.match(said, new RegExp(`^${line} +\\S+:\\d+`, 'm'));
  });

  it('shows the world, without a secret', async () => {
    const shown = await world();
    assert.deepEqual([shown.timeScale, shown.variants], [600, { 'luna.zone': 'UTC' }]);
    const [appliance] = shown.appliances;
    assert.deepEqual([appliance?.address, appliance?.zeroized, appliance?.partitions], [hsmAddress, true, []]);
    assert.deepEqual([shown.windowsHosts, shown.cipherTrusts.map(({ address }) => address)], [['172.22.0.4'], ['172.22.0.5']]);
    const types = shown.resources.map(({ type }) => type);
    for (const type of ['Microsoft.HardwareSecurityModules/dedicatedHSMs', 'Microsoft.Compute/virtualMachines', 'Microsoft.Network/virtualNetworkGateways'])
      assert.ok(types.includes(type), type);
    assert.ok(shown.resources.every(({ provisioningState }) => provisioningState === 'Succeeded'));
    assert.doesNotMatch(JSON.stringify(shown), /PRIVATE KEY|LunaAdmin-Password-1|PASSWORD/);
  });

  it('lets the HSM and the Windows host be reached at their own addresses', async () => {
    assert.match(await greeting(hsmAddress), /^SSH-2\.0/);
    assert.match(await greeting('172.22.0.4'), /^SSH-2\.0/);
    await assert.rejects(greeting('172.22.1.99'), /refused/i);
  });

  it('shows what arrived, by pattern and since a number, and forgets it when told', async () => {
    type Entry = { seq: number; operation: string; target: string };
    const refused = (await control<Entry[]>('GET', '/request-log?operation=socks:*')).body;
    assert.deepEqual(
      refused.map(({ target }) => target),
      ['172.22.1.99:22'],
    );
    assert.deepEqual((await control<Entry[]>('GET', `/request-log?operation=socks:*&since=${refused[0]!.seq}`)).body, []);
    assert.equal((await control('DELETE', '/request-log')).status, 204);
    assert.deepEqual((await control<Entry[]>('GET', '/request-log')).body, []);
  });

  it('takes faults, shows and removes them', async () => {
    const scripted = (await control<Fault[]>('GET', '/faults')).body;
    assert.deepEqual(
      scripted.map(({ kind, message }) => [kind, message]),
      [['lie', 'unsealed']],
    );
    assert.equal((await control('POST', '/faults', { kind: 'earthquake', operation: '*' })).status, 400);
    const added = await control<Fault>('POST', '/faults', { kind: 'slow', operation: 'lunash:*', amount: 2 });
    assert.equal(added.status, 201);
    assert.equal((await control('DELETE', `/faults/${added.body.id}`)).status, 204);
    assert.equal((await control('DELETE', `/faults/${added.body.id}`)).status, 404);
    assert.equal((await control('DELETE', '/faults')).status, 204);
    assert.deepEqual((await control<Fault[]>('GET', '/faults')).body, []);
  });

  it('keeps a request received and unanswered until it is released', async () => {
    await control('POST', '/faults', { kind: 'hold', operation: 'arm:GET *' });
    const { port } = new URL(ready.arm);
    let answered = false;
    const asking = import('axios').then(async ({ default: axios }) => {
      const { Agent } = await import('node:https');
      const httpsAgent = new Agent({ ca: readFileSync(ready.caFile), keepAlive: false });
      const url = `https://localhost:${port}/subscriptions/x/resourcegroups/Luna_kylo_rg?api-version=2021-04-01`;
      const { status } = await axios.get(url, { httpsAgent, proxy: false, validateStatus: () => true });
      answered = true;
      return status;
    });
    type Hold = { id: string; operation: string };
    const hold = await until('the hold', async () => (await control<Hold[]>('GET', '/holds')).body[0]);
    assert.equal(answered, false);
    assert.equal((await control('POST', `/holds/${hold.id}/release`)).status, 204);
    assert.equal(await asking, 401);
    assert.equal((await control('POST', `/holds/${hold.id}/release`)).status, 404);
  });

  it('lists what operations erase, count and disclose', async () => {
    const { body } = await control<Record<string, Marks>>('GET', '/operations');
    const { destructive, counted } = body['ciphertrust:POST /v1/system/hsm/setup']!;
    assert.deepEqual({ destructive, counted }, { destructive: true, counted: true });
  });

  it('holds bytes on their way, shows how many, and lets them go', async () => {
    const { status, body } = await control<{ id: string }>('POST', '/wires', { host: hsmAddress, port: 22, direction: 'from-machine' });
    assert.equal(status, 201);
    const heard = greeting(hsmAddress);
    type Wires = { holds: { connections: { heldBytes: number }[] }[]; connections: { host: string }[] };
    const held = await until('the greeting held', async () => {
      const { body: wires } = await control<Wires>('GET', '/wires');
      return wires.holds[0]?.connections.some(({ heldBytes }) => heldBytes > 0) ? wires : undefined;
    });
    assert.ok(held.connections.some(({ host }) => host === hsmAddress));
    assert.equal((await control('POST', `/wires/${body.id}/narrow`)).status, 204);
    assert.equal((await control('POST', `/wires/${body.id}/release`)).status, 204);
    assert.match(await heard, /^SSH-2\.0/);
    assert.equal((await control('POST', `/wires/${body.id}/reset`)).status, 404);
  });

  it('is set another way by a variant while it runs', async () => {
    assert.equal((await control('PUT', '/variants/luna.words', { value: '7.8' })).status, 204);
    assert.equal((await control<Shown>('GET', '/world')).body.variants['luna.words'], '7.8');
    assert.equal((await control('PUT', '/variants/luna.words', { value: '7.2' })).status, 204);
    assert.equal((await control('PUT', '/variants/luna.words', { value: '8' })).status, 400);
  });

  it('goes on as another world, under other names, and back', async () => {
    const { body: state } = await control('GET', '/world/state');
    const addresses = async () => (await control<Shown>('GET', '/world')).body.appliances.map(({ address }) => address);
    assert.equal((await control('PUT', '/world', { state: {} })).status, 204);
    assert.deepEqual(await addresses(), []);
    await assert.rejects(greeting(hsmAddress), /refused/i);
    assert.equal((await control('PUT', '/world', { state, rename: { [hsmAddress]: '172.22.1.99' } })).status, 204);
    assert.deepEqual(await addresses(), ['172.22.1.99']);
    assert.match(await greeting('172.22.1.99'), /^SSH-2\.0/);
    assert.equal((await control('PUT', '/world', { state, newHostKeys: true, keepRequestLog: true })).status, 204);
    assert.match(await greeting(hsmAddress), /^SSH-2\.0/);
    assert.equal((await control('PUT', '/world', {})).status, 400);
    // Its machines were switched on anew.
    Object.assign(ready, (await control('POST', '/scenario', { name: 'ready-hsm' })).body);
  });

  it('says what it does not know', async () => {
    for (const [path, body] of [
      ['/scenario', { name: 'atlantis' }],
      ['/feature', {}],
      ['/tamper', { what: 'unplug', address: hsmAddress }],
      ['/tamper', { what: 'create-partition', address: '172.22.1.99', name: 'theirs' }],
    ] as const)
      assert.equal((await control('POST', path, body)).status, 400, path);
  });

  it('changes the feature, plays a scenario, and tampers with the HSM; all of it is still there after a restart', async () => {
    assert.equal((await control('POST', '/feature', { state: 'Pending' })).status, 204);
    const again = await control<Ready>('POST', '/scenario', { name: 'ready-hsm' });
    assert.deepEqual([again.status, again.body.luna], [200, ready.luna]);
    assert.equal((await control('POST', '/tamper', { what: 'initialize-hsm', address: hsmAddress, label: 'TheirHSM' })).status, 204);
    assert.equal((await control('POST', '/tamper', { what: 'create-partition', address: hsmAddress, name: 'theirs' })).status, 204);
    const before = await world();
    assert.equal(await end(), 0);
    assert.equal(statSync(join(folder, 'world', 'state.json')).mode & 0o077, 0);
    await start();
    const { appliances, windowsHosts, cipherTrusts, resources } = await world();
    assert.deepEqual([appliances, windowsHosts], [before.appliances, before.windowsHosts]);
    assert.deepEqual([appliances[0]?.label, appliances[0]?.partitions.map(({ name }) => name)], ['TheirHSM', ['theirs']]);
    assert.deepEqual([cipherTrusts.length, resources.length], [1, before.resources.length]);
    assert.match(await greeting(hsmAddress), /^SSH-2\.0/);
    assert.equal((new StateFile(join(folder, 'world', 'state.json')).state['azure'] as AzureState).feature, 'Pending');
  });

  for (const [mistake, options, words] of [
    ['an option', ['--tim-scale', '3'], /tim-scale/],
    ['a time scale', ['--time-scale', 'fast'], /--time-scale/],
    ['a port', ['--arm-port', '70000'], /--arm-port/],
    ['a scenario', ['--scenario', 'atlantis'], /known scenarios: empty, ready-hsm/],
    ['a fault', ['--fault', 'sealed'], /known faults: unsealed/],
    ['a variant', ['--variant', 'luna.zon=UTC'], /no variant luna\.zon/],
  ] as const)
    it(`refuses ${mistake} that it does not know, in words`, async () => {
      const mistaken = spawn(process.execPath, [main, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
      let heard = '';
      mistaken.stderr.on('data', (chunk) => (heard += chunk));
      assert.equal((await once(mistaken, 'close'))[0], 2);
      assert.match(heard, words);
      assert.doesNotMatch(heard, /\n +at /);
    });
});
