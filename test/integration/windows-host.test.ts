import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import ssh2 from 'ssh2';
import { decideInstallLunaClient, installLunaClient } from '../../activities/luna-client/install-luna-client.ts';
import type { Systems } from '../../activities/systems.ts';
import { type Problem, wordsOf } from '../../domain/failure.ts';
import { createWorld, type RunningWorld } from '../../simulator/create-world.ts';
import { createSocks, type Socks } from '../../simulator/network/socks.ts';
import { Files, type HostState } from '../../simulator/windows/state.ts';
import type { WindowsHost } from '../../simulator/world.ts';
import { type SecretStore, secretName } from '../../stores/secrets/store.ts';
import { runWithFence } from '../../systems/fence.ts';
import { createOutbound } from '../../systems/outbound.ts';
import { publicLine } from '../../systems/ssh/private-key.ts';
import { installScript } from '../../systems/windows/install-script.ts';
import { createWindows } from '../../systems/windows/windows.ts';
import { exampleRequest } from '../support/example.ts';
import { openFence, runStep } from '../support/fence.ts';

const target = 'kylo-luna-hsm-0123456789';
const address = '172.22.0.4';
const privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }) as string;
const signature = 'sig=a%2Bsecret%2Fsignature';
const installerOf = (version: string) => {
  const content = Buffer.from(`Luna HSM client ${version} (simulated installer)\n`);
  return { content, sha256: createHash('sha256').update(content).digest('hex'), url: `https://files.example.com/luna-${version}.exe?${signature}` };
};

/** The script that the guest agent runs on a fresh Windows host, and whether the product gets in afterwards, over real SSH. */
describe('A Windows host that becomes the Luna client', function () {
  this.timeout(60_000);
  let world: RunningWorld;
  let socks: Socks;
  let host: WindowsHost;
  afterEach(async () => {
    await socks.stop();
    await world.stop();
  });

  async function switchOn(variants: Record<string, string> = {}): Promise<void> {
    world = await createWorld({ timeScale: 3000, variants });
    socks = await createSocks(world);
    host = await world.machines.windowsHost({ name: 'lunaclient', address, adminUser: 'LunaAdmin', adminPassword: 'LunaAdmin-Password-1' });
    for (const version of ['7.2.0', '7.4.0']) world.downloads.set(installerOf(version).url, installerOf(version).content);
  }

  const state = () => (world.state['windowsHosts'] as Record<string, HostState>)[address]!;
  const [main, other] = [installerOf('7.4.0'), installerOf('7.2.0')];
  const parameters = { PublicKey: publicLine(privateKey), InstallerUrl: main.url, InstallerSha256: main.sha256.toUpperCase() };
  const both = { ...parameters, CertificateInstallerUrl: other.url, CertificateInstallerSha256: other.sha256 };
  const installers = () => world.requestLog.entries.filter(({ operation }) => operation === 'windows:installer');

  const request = exampleRequest();
  const vm = { id: '/vm', privateAddress: address, reachable: address };
  const seenOf = ({ exitCode, output, error }: Awaited<ReturnType<WindowsHost['runScript']>>) => ({
    state: exitCode === 0 ? 'Succeeded' : 'Failed',
    output,
    error,
    scheduledAt: 1,
    sentAt: 1,
    startedAt: 1,
    endedAt: 2,
    lastObservedAt: 3,
  });
  const decided = (ran: Parameters<typeof seenOf>[0], change: Partial<typeof request.lunaClient> = {}) =>
    decideInstallLunaClient(seenOf(ran), { vm, request: { ...request, lunaClient: { ...request.lunaClient, ...change } } });

  /** The host key that the installation reported, and a command over SSH with the kept key. */
  async function getsIn(ran: Parameters<typeof seenOf>[0]): Promise<number | undefined> {
    const decision = decided(ran);
    assert.equal(decision.kind, 'done');
    const { windows } = (decision as { result: { windows: { address: string; pin: string } } }).result;
    const secrets: SecretStore = {
      get: async (name) => (name === secretName(target, 'windows-ssh-key') ? privateKey : undefined),
      create: () => assert.fail('nothing is kept'),
    };
    const host = createWindows(createOutbound(`socks5://127.0.0.1:${socks.port}`), secrets);
    const session = await runWithFence(openFence, () => host.open({ target, runId: 'run-1', request }, windows, AbortSignal.timeout(30_000)));
    const { code } = await session.exec(`type C:\\ProgramData\\ssh\\sshd_config`);
    session.end();
    return code;
  }

  it('is reached with the kept key alone on the public network that a cloud is to Windows, and starts so again', async () => {
    await switchOn();
    await assert.rejects(
      getsIn({ exitCode: 0, output: 'client-version: 7.4.0\nvtl: True\nhost-key: ssh-rsa AAAA\n', error: '' }),
      /connecting to 172\.22\.0\.4:22/,
    );
    const ran = await host.runScript(installScript, parameters);
    assert.equal(await getsIn(ran), 0);
    assert.deepEqual(state().sshd, { installed: true, running: true, automatic: true, firewallProfile: 'Any' });
    const files = new Files(state());
    assert.deepEqual(files.acl('C:\\ProgramData\\ssh\\administrators_authorized_keys'), ['S-1-5-32-544', 'S-1-5-18']);
    assert.match(files.text('C:\\ProgramData\\ssh\\sshd_config')!, /^PasswordAuthentication no$/m);
    await assert.rejects(byPassword(host.ports[22]!), /All configured authentication methods failed/);
  });

  const without: [what: string, line: RegExp, variants: Record<string, string>, refused: RegExp | undefined][] = [
    ['the firewall’s rule left as it comes', /^Set-NetFirewallRule.*$/m, {}, /connecting to 172\.22\.0\.4:22/],
    ['the firewall’s rule left as it comes, on a private network', /^Set-NetFirewallRule.*$/m, { 'windows.network': 'Private' }, undefined],
    ['the keys’ file left open to others', /^icacls.*$/m, {}, /the sign-in was refused/],
  ];
  for (const [what, line, variants, refused] of without)
    it(`is ${refused ? 'not ' : ''}reached with ${what}`, async () => {
      await switchOn(variants);
      assert.match(installScript, line);
      const ran = await host.runScript(installScript.replace(line, ''), parameters);
      if (refused) await assert.rejects(getsIn(ran), refused);
      else assert.equal(await getsIn(ran), 0);
    });

  it('sets PasswordAuthentication also where the configuration has no such line', async () => {
    await switchOn();
    await host.runScript(installScript, parameters);
    const path = 'C:\\ProgramData\\ssh\\sshd_config';
    new Files(state()).write(path, 'Subsystem sftp sftp-server.exe\n');
    await host.runScript(installScript, parameters);
    assert.match(new Files(state()).text(path)!, /^PasswordAuthentication no$/m);
  });

  it('gets its client once, with all features: a second run changes nothing', async () => {
    await switchOn();
    const first = await host.runScript(installScript, parameters);
    const [client, files] = [structuredClone(state().lunaClient), Object.keys(state().files).sort()];
    const second = await host.runScript(installScript, parameters);
    assert.equal(second.output, first.output);
    assert.match(first.output, /client-version: 7\.4\.0-\d+\nvtl: True\n/);
    assert.deepEqual([installers().length, state().lunaClient, Object.keys(state().files).sort()], [1, client, files]);
  });

  it('gets a second client for certificates beside the first, which stays the machine’s', async () => {
    await switchOn();
    const ran = await host.runScript(installScript, both);
    const decision = decided(ran, { version: '7.4', certificateClient: { installer: other, version: '7.2.0' } });
    assert.equal(decision.kind, 'done');
    const { clientVersion, certificateClientVersion } = (decision as unknown as { result: Record<string, string> }).result;
    assert.deepEqual([clientVersion, certificateClientVersion], ['7.4.0-226', '7.2.0-226']);
    assert.equal(state().configurationFolder, 'C:\\Program Files\\SafeNet\\LunaClient');
    await host.runScript(installScript, both);
    assert.equal(installers().length, 2);
  });

  const told = (decision: ReturnType<typeof decided>): Problem => (decision as unknown as { problem: Problem }).problem;

  const failures: [what: string, prepare: () => void, change: Partial<typeof parameters>, seen: RegExp, run: number][] = [
    ['has another hash, and is not run', () => {}, { InstallerSha256: 'F'.repeat(64) }, /said: "The installer's SHA-256 is [0-9A-F]{64}, not F{64}/, 0],
    ['is not there', () => void world.downloads.clear(), {}, /said: "The installer could not be fetched: ProtocolError NotFound"$/, 0],
    [
      'ends with an error, with the end of its log',
      () => void world.faults.add({ kind: 'fail', operation: 'windows:installer', message: 'Error 1603: fatal error during installation' }),
      {},
      /said: "The installer ended with exit code 1603\. Its log ends: .*fatal error during installation/,
      1,
    ],
  ];
  for (const [what, prepare, change, seen, run] of failures)
    it(`says so where the installer ${what}; no address is shown`, async () => {
      await switchOn();
      prepare();
      const ran = await host.runScript(installScript, { ...parameters, ...change });
      assert.equal(ran.exitCode, 1);
      assert.ok(!/files\.example\.com|sig=|signature/.test(ran.output + ran.error));
      assert.match(wordsOf(told(decided(ran))), seen);
      assert.equal(installers().length, run);
      world.faults.clear();
    });

  describe('is not taken with', () => {
    const report = (version: string, vtl = 'True') => ({
      exitCode: 0,
      output: `client-version: ${version}\nvtl: ${vtl}\ncertificate-client-version: 7.2.0-226\nhost-key: ssh-rsa AAAA\n`,
      error: '',
    });
    const rows: [what: string, ran: Parameters<typeof seenOf>[0], change: Partial<typeof request.lunaClient>, seen: RegExp][] = [
      ['a client before 7.4', report('7.3.0-165'), {}, /version 7\.3\.0/],
      ['another version than the request’s', report('7.4.0-226'), { version: '10.7' }, /7\.4\.0-226, not 10\.7/],
      ['a version that only begins alike', report('7.40.0-1'), { version: '7.4' }, /7\.40\.0-1, not 7\.4/],
      [
        'another client for certificates',
        report('7.4.0-226'),
        { certificateClient: { installer: other, version: '7.1' } },
        /for certificates is version 7\.2\.0-226, not 7\.1/,
      ],
      ['a client without vtl', report('7.4.0-226', 'False'), {}, /vtl is missing/],
    ];
    for (const [what, ran, change, seen] of rows)
      it(what, async () => {
        await switchOn();
        assert.match(wordsOf(told(decided(ran, change))), seen);
      });
  });

  it('shows no signature of an address, even if Azure quotes it', async () => {
    await switchOn();
    const own = { ...request, lunaClient: { ...request.lunaClient, installer: { url: { secret: 'installer-address' }, sha256: main.sha256 } } };
    const scheduledAt = Date.now();
    const view = { executionState: 'Failed', error: `cannot open ${main.url} with a+secret/signature (${signature})`, endTime: new Date(Date.now() + 1e6) };
    const compute = {
      virtualMachineRunCommands: { getByVirtualMachine: async () => ({ instanceView: view, tags: { 'provisioner-run': `${scheduledAt}.1` } }) },
    };
    const systems = {
      settings: { pollIntervalMs: 20 },
      secrets: { get: async (name: string) => (name === 'installer-address' ? main.url : undefined) },
      azure: { clients: async () => ({ compute }), look: (_: string, ask: () => unknown) => ask() },
    } as unknown as Systems;
    const environment = new MockActivityEnvironment(
      { startToCloseTimeoutMs: 60_000, scheduledTimestampMs: scheduledAt },
      { logger: new DefaultLogger('ERROR') },
    );
    const failure = await runStep(environment, installLunaClient(systems), { target, runId: 'run-1', request: own, vm, publicKey: 'ssh-rsa AAAA' }).then(
      () => assert.fail('it is done'),
      (error: unknown) => error as ApplicationFailure,
    );
    assert.ok(failure instanceof ApplicationFailure);
    assert.match(failure.message, /cannot open \*{8} with \*{8} \(\*{8}\)/);
  });

  function byPassword(port: number): Promise<void> {
    const client = new ssh2.Client();
    return new Promise((resolve, reject) =>
      client
        .once('ready', () => resolve(void client.end()))
        .once('error', reject)
        .connect({ host: '127.0.0.1', port, username: 'LunaAdmin', password: 'LunaAdmin-Password-1' }),
    );
  }
});
