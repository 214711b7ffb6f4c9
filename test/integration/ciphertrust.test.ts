import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { adminPassword } from '../../activities/ciphertrust/admin-password.ts';
import { firstBoot } from '../../activities/ciphertrust/first-boot.ts';
import { licence } from '../../activities/ciphertrust/licence.ts';
import { ntp } from '../../activities/ciphertrust/ntp.ts';
import { resetPassword } from '../../activities/root-of-trust/reset-password.ts';
import { setRootOfTrust } from '../../activities/root-of-trust/set-root-of-trust.ts';
import { verifyRootOfTrust } from '../../activities/root-of-trust/verify-root-of-trust.ts';
import type { Systems } from '../../activities/systems.ts';
import type { Problem } from '../../domain/failure.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { Pinned } from '../../domain/results.ts';
import { type Identity, selfSigned } from '../../simulator/certificates.ts';
import { createWorld, type RunningWorld, type WorldOptions } from '../../simulator/create-world.ts';
import { createSocks, type Socks } from '../../simulator/network/socks.ts';
import type { FaultRequest } from '../../simulator/weather.ts';
import { seenOf } from '../../systems/certificates.ts';
import { createCipherTrust } from '../../systems/ciphertrust/ciphertrust.ts';
import { createOutbound } from '../../systems/outbound.ts';
import { generateSecret } from '../../systems/secrets/generate.ts';
import { type SecretStore, secretName } from '../../systems/secrets/store.ts';
import { type RsaKey, readRsaKey } from '../../systems/ssh/private-key.ts';
import { folderTranscripts } from '../../systems/transcripts.ts';
import { type Certificates, hsmAddress, managerAddress, officerPassword, partition, stubAppliance } from '../support/stub-appliance.ts';
import { until } from '../support/until.ts';

const target = 'kylo-luna-hsm-0123456789';
const keptPassword = 'Kept-Password-1';
const keySecret = secretName(target, 'client-certificate-key');
const setup = 'ciphertrust:POST /v1/system/hsm/setup';
const pins = { windows: { address: '172.22.0.4', pin: 'SHA256:windows' }, hsm: { address: hsmAddress, pin: 'SHA256:hsm' } };

/** The product's CipherTrust steps, through its SOCKS proxy, against a simulated manager that knows one partition of one HSM. */
describe('CipherTrust Manager, from its first boot to its root of trust', function () {
  this.timeout(60_000);
  let certificates: Certificates;
  let request: ProvisioningRequest;
  let world: RunningWorld;
  let socks: Socks;
  let folder: string;
  let objects: string[];
  let values: Map<string, string>;
  let systems: Systems;

  let sshKey: RsaKey;

  before(async () => {
    sshKey = readRsaKey(await generateSecret('windows-ssh-key'));
    certificates = { server: await selfSigned({ commonName: 'local_host' }), client: await selfSigned({ commonName: managerAddress }) };
  });
  beforeEach(async () => {
    request = JSON.parse(await readFile(new URL('../../examples/luna-kylo.json', import.meta.url), 'utf8'));
    folder = await mkdtemp(join(tmpdir(), 'hsm-ciphertrust-'));
    objects = [];
    values = new Map([
      [secretName(target, 'ciphertrust-admin-password'), keptPassword],
      [secretName(target, 'crypto-officer-password'), officerPassword],
      [keySecret, certificates.client.privateKeyPem],
      [secretName(target, 'ciphertrust-ssh-key'), sshKey.privatePem],
      ['ntp-key', 'a-symmetric-ntp-key'],
    ]);
  });
  afterEach(async () => {
    await world?.stop();
    await socks?.stop();
    await rm(folder, { recursive: true });
  });

  async function switchOn(options: Partial<WorldOptions> = {}, adminUser = 'ksadmin', customData?: string): Promise<void> {
    world = await createWorld({ timeScale: 1200, machines: { appliance: async () => stubAppliance(certificates, objects) }, ...options });
    socks = await createSocks(world);
    await world.machines.appliance({ name: 'kylo-luna-hsm', address: hsmAddress });
    await world.machines.cipherTrust({
      name: 'mycompany-ciphertrust',
      address: managerAddress,
      adminUser,
      sshPublicKey: sshKey.publicLine,
      ...(customData ? { customData } : {}),
    });
    const secrets: SecretStore = { get: async (name) => values.get(name), create: () => assert.fail('these steps only read') };
    systems = {
      secrets,
      settings: { settleMs: 500, pollIntervalMs: 20 },
      transcripts: folderTranscripts(folder),
      luna: { partitionContents: async () => objects },
      cipherTrust: createCipherTrust(createOutbound(`socks5://127.0.0.1:${socks.port}`), {} as Systems['windows']),
    } as unknown as Systems;
  }

  const job = () => ({ target, runId: 'run-1', request });
  const logger = new DefaultLogger('ERROR');

  /** What the last attempt left for the next one, as Temporal passes it on. */
  let heartbeatDetails: unknown;

  /** One attempt of a step, as Temporal makes it. */
  const attempt = <Input, Result>(step: (input: Input) => Promise<Result>, input: Input, number = 1, order = 'order'): Promise<Result> => {
    const environment = new MockActivityEnvironment(
      { attempt: number, startToCloseTimeoutMs: 60_000, activityId: order, heartbeatDetails, currentAttemptScheduledTimestampMs: Date.now() },
      { logger },
    );
    heartbeatDetails = undefined;
    environment.on('heartbeat', (details) => {
      heartbeatDetails = details;
    });
    return environment.run(step, input);
  };

  /** A whole step: attempted again while it says that it is not ready or that something passing was in the way. */
  async function step<Input, Result>(activity: (input: Input) => Promise<Result>, input: Input, order?: string): Promise<Result> {
    heartbeatDetails = undefined;
    for (let number = 1; ; number++) {
      try {
        return await attempt(activity, input, number, order);
      } catch (error) {
        if (!(error instanceof ApplicationFailure) || error.nonRetryable) throw error;
        assert.ok(number < 500, `too many attempts: ${error.message}`);
        await pause(20);
      }
    }
  }

  const booted = () => step(firstBoot(systems), { ...job(), reachable: managerAddress }).then(({ cipherTrust }) => cipherTrust);

  async function licensed(): Promise<Pinned> {
    const cipherTrust = await booted();
    await step(adminPassword(systems), { ...job(), cipherTrust });
    await step(licence(systems), { ...job(), cipherTrust });
    return cipherTrust;
  }

  const rootInput = (cipherTrust: Pinned) => ({
    ...job(),
    cipherTrust,
    hsmAddress,
    partitionSerial: partition.serial,
    serverCertificate: seenOf(certificates.server.certificatePem),
    clientCertificate: seenOf(certificates.client.certificatePem),
    keySecret,
  });
  const set = (cipherTrust: Pinned, order?: string) => step(setRootOfTrust(systems), rootInput(cipherTrust), order);

  /** What comes after the wipe. */
  async function verified({ cipherTrust: wiped, openSince }: Awaited<ReturnType<typeof set>>) {
    const { cipherTrust } = await step(resetPassword(systems), {
      ...job(),
      cipherTrust: wiped,
      partitionSerial: partition.serial,
      ...(openSince ? { openSince } : {}),
    });
    return step(verifyRootOfTrust(systems), { ...job(), ...pins, cipherTrust, partitionSerial: partition.serial });
  }

  const arrived = (operation: string, outcome?: string) =>
    world.ledger.entries.filter((entry) => entry.operation === operation && (outcome === undefined || entry.outcome === outcome));
  const fault = (kind: FaultRequest['kind'], operation: string, more: Partial<FaultRequest> = {}) => world.weather.add({ kind, operation, ...more });

  /** The problem that a step stops with; nothing secret is in it. */
  async function problemOf(stopped: Promise<unknown>): Promise<Problem> {
    const failure = await stopped.then(
      () => assert.fail('the step is done'),
      (error: unknown) => error,
    );
    assert.ok(failure instanceof ApplicationFailure, String(failure));
    for (const secret of values.values()) assert.ok(!JSON.stringify([failure.message, failure.details]).includes(JSON.stringify(secret).slice(1, -1)));
    return failure.details![0] as Problem;
  }

  it('goes the whole way: password, time, licence, root of trust, and all of it again after the wipe', async () => {
    await switchOn();
    const cipherTrust = await booted();
    await step(adminPassword(systems), { ...job(), cipherTrust });
    assert.deepEqual(await step(ntp(systems), { ...job(), cipherTrust }), {
      servers: request.cipherTrust.ntp.map(({ host }) => host),
      synchronised: true,
      warnings: [],
    });
    assert.deepEqual(await step(licence(systems), { ...job(), cipherTrust }), { kind: 'trial', state: 'activated' });
    const wiped = await set(cipherTrust);
    assert.equal(wiped.cipherTrust.address, cipherTrust.address);
    assert.notEqual(wiped.cipherTrust.pin, cipherTrust.pin, 'its certificate went with its data');
    const { version, entry, sealer, warnings } = await verified(wiped);
    assert.deepEqual([version, entry.host, entry.serial, sealer, warnings], ['2.19.0+14195', hsmAddress, partition.serial, 'rapido', []]);
    const summary = world.cipherTrusts.get(managerAddress)!.summary();
    assert.deepEqual([summary['ntp'], summary['trial'], summary['passwordIsDefault']], [request.cipherTrust.ntp.map(({ host }) => host), 'activated', false]);
    assert.equal(arrived(setup).length, 1);
    assert.equal(arrived('ciphertrust:PATCH /v1/auth/changepw').length, 2);
  });

  it('is left alone by a second run: nothing is changed that is already right', async () => {
    await switchOn();
    const first = await verified(await set(await licensed()));
    const changes = () => world.ledger.entries.filter(({ operation }) => /:(POST|PATCH|DELETE) (?!\/v1\/auth\/tokens)/.test(operation)).length;
    const before = changes();
    const cipherTrust = await licensed();
    await step(ntp(systems), { ...job(), cipherTrust });
    assert.deepEqual(await set(cipherTrust), { cipherTrust });
    assert.deepEqual(await verified({ cipherTrust }), first);
    assert.equal(changes(), before);
  });

  const unverified: Record<string, string>[] = [
    { 'ciphertrust.certificateSurvivesReset': 'yes', 'ciphertrust.defaultPasswordLogin': '403' },
    { 'ciphertrust.ntpSurvivesReset': 'yes', 'ciphertrust.trialSurvivesReset': 'yes', 'ciphertrust.defaultPasswordLogin': '200-limited' },
    { 'ciphertrust.setupBody': 'empty', 'ciphertrust.setupStatus': '201', 'ciphertrust.trialStatus': '201', 'ciphertrust.errorBody': 'label-only' },
  ];
  for (const quirks of unverified)
    it(`does not depend on what nobody has verified: ${Object.entries(quirks)
      .map(([name, value]) => `${name.replace('ciphertrust.', '')} ${value}`)
      .join(', ')}`, async () => {
      await switchOn({ quirks });
      assert.equal((await verified(await set(await licensed()))).entry.serial, partition.serial);
    });

  describe('hsm/setup', () => {
    const passing: [what: string, kind: FaultRequest['kind'], more: Partial<FaultRequest>, arrivals: number][] = [
      ['whose answer is lost after it was taken is looked for, not sent again', 'reset-after-accept', {}, 1],
      ['that is answered late is sent once', 'slow', { amount: 3 }, 1],
      ['that is throttled is sent again', 'throttle', {}, 2],
      ['that meets a proxy whose manager is not up is sent again', 'error', { status: 503 }, 2],
    ];
    for (const [what, kind, more, arrivals] of passing)
      it(what, async () => {
        await switchOn();
        const cipherTrust = await licensed();
        fault(kind, setup, more);
        await verified(await set(cipherTrust));
        assert.equal(arrived(setup).length, arrivals);
        assert.equal(arrived(setup, 'done').length, 1, 'it took effect once');
      });

    for (const [what, kind, more] of [
      ['whose connection is cut', 'reset', {}],
      ['behind a proxy that says 502', 'error', { status: 502 }],
    ] as const)
      it(`${what} without effect is sent again only when a person orders it`, async () => {
        await switchOn();
        const cipherTrust = await licensed();
        fault(kind, setup, more);
        const { kind: stopped, seen, remedy } = await problemOf(set(cipherTrust));
        assert.deepEqual([stopped, arrived(setup).length], ['Unsafe', 1]);
        assert.match(seen, /nothing changed/);
        assert.match(remedy, /retry sends the request once more/);
        await verified(await set(cipherTrust, 'ordered again'));
        assert.deepEqual([arrived(setup).length, arrived(setup, 'done').length], [2, 1]);
      });

    it('is not sent a second time when its sender is cut off while it is at work', async () => {
      await switchOn();
      const cipherTrust = await licensed();
      fault('hold', setup);
      const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000, activityId: 'order' }, { logger });
      const first = environment.run(setRootOfTrust(systems), rootInput(cipherTrust)).catch((error: unknown) => error);
      const held = await until('the request to be held', async () => world.weather.held()[0]);
      environment.cancel();
      assert.ok((await first) instanceof Error);
      world.weather.release(held.id);
      await verified(await attemptsFrom(2, cipherTrust));
      assert.equal(arrived(setup).length, 1);
    });

    /** Temporal’s next attempts, after the first was lost. */
    async function attemptsFrom(number: number, cipherTrust: Pinned) {
      return until('the step to be done', () =>
        attempt(setRootOfTrust(systems), rootInput(cipherTrust), number++).catch((error: unknown) => {
          if (error instanceof ApplicationFailure && !error.nonRetryable) return undefined;
          throw error;
        }),
      );
    }

    it('is remembered when a person orders a retry after the wipe, which counts attempts anew', async () => {
      await switchOn();
      const cipherTrust = await licensed();
      const { cipherTrust: wiped } = await set(cipherTrust);
      assert.deepEqual((await attempt(setRootOfTrust(systems), rootInput(cipherTrust), 1, 'ordered again')).cipherTrust, wiped);
      assert.equal(arrived(setup).length, 1);
    });

    it('is refused with the words of CipherTrust Manager, without the secrets that it quotes, and is not repeated', async () => {
      await switchOn();
      const cipherTrust = await licensed();
      values.set(secretName(target, 'crypto-officer-password'), 'not-the-password');
      const { kind, seen } = await problemOf(set(cipherTrust));
      assert.equal(kind, 'Refused');
      assert.match(seen, /CKR_PIN_INCORRECT/);
      fault('fail', setup, { message: 'HSM setup failed: bad login with not-the-password' });
      assert.match((await problemOf(set(cipherTrust))).seen, /bad login with \*{8}$/);
      assert.equal(arrived(setup).length, 2);
    });

    it('that says yes and does nothing leaves the step incomplete', async () => {
      await switchOn();
      const cipherTrust = await licensed();
      fault('lie', setup);
      assert.match((await problemOf(set(cipherTrust))).seen, /nothing changed/);
    });

    it('that only wipes is found out before the job can end', async () => {
      await switchOn();
      const cipherTrust = await licensed();
      fault('lie', setup, { message: 'unsealed' });
      const { kind, seen } = await problemOf(verified(await set(cipherTrust)));
      assert.equal(kind, 'Unsafe');
      assert.match(seen, /lists no HSM.*not sealed.*DARKSTARKEY-mac-key.*DARKSTARKEY-encryption-key/);
    });

    it('is not sent without the client’s key', async () => {
      await switchOn();
      const cipherTrust = await licensed();
      values.delete(keySecret);
      assert.match((await problemOf(set(cipherTrust))).tried, new RegExp(keySecret));
      assert.deepEqual(arrived(setup), []);
    });
  });

  describe('A stranger at its address', () => {
    const passwordsShown = () => arrived('ciphertrust:POST /v1/auth/tokens').length + arrived('ciphertrust:PATCH /v1/auth/changepw').length;

    it('is shown no password: another certificate than the pinned one stops every step', async () => {
      await switchOn();
      const cipherTrust = { address: managerAddress, pin: (await booted()).pin.replace(/^../, (digits) => (digits === '00' ? '11' : '00')) };
      const input = { ...job(), cipherTrust };
      for (const stopped of [
        step(adminPassword(systems), input),
        step(ntp(systems), input),
        step(resetPassword(systems), { ...input, partitionSerial: partition.serial }),
        set(cipherTrust),
      ]) {
        const { kind, seen } = await problemOf(stopped);
        assert.equal(kind, 'Unsafe');
        assert.match(seen, /certificate/);
      }
      assert.equal(passwordsShown(), 0);
    });

    it('who steps in between the look at the certificate and the request is told nothing', async () => {
      await switchOn();
      const [ours, theirs] = [await selfSigned({ commonName: 'manager' }), await selfSigned({ commonName: 'stranger' })];
      const tlsOf = ({ certificatePem, privateKeyPem }: Identity) => ({ cert: certificatePem, key: privateKeyPem });
      const heard: string[] = [];
      const server = createServer(tlsOf(ours), (asked, answer) => {
        heard.push(`${asked.method} ${asked.url}`);
        answer.end();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      let connections = 0;
      server.prependListener('connection', () => ++connections === 2 && server.setSecureContext(tlsOf(theirs)));
      world.network.attach('172.22.0.9', 443, { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
      try {
        const cipherTrust = { address: '172.22.0.9', pin: seenOf(ours.certificatePem).fingerprint };
        assert.equal((await problemOf(attempt(adminPassword(systems), { ...job(), cipherTrust }))).kind, 'Transient');
        assert.equal((await problemOf(attempt(adminPassword(systems), { ...job(), cipherTrust }))).kind, 'Unsafe');
        assert.deepEqual(heard, []);
      } finally {
        server.close();
      }
    });

    it('is not taken for the wiped manager after a first attempt that sent nothing', async () => {
      await switchOn();
      const cipherTrust = { ...(await booted()), pin: 'another' };
      assert.equal((await problemOf(attempt(setRootOfTrust(systems), rootInput(cipherTrust), 2))).kind, 'Unsafe');
      assert.equal(passwordsShown(), 0);
    });
  });

  it('gives ksadmin its key where that did not reach it, since services wait for that', async () => {
    await switchOn({}, 'azureuser');
    const { cipherTrust } = await step(firstBoot(systems), { ...job(), reachable: managerAddress, publicKey: sshKey.publicLine });
    assert.equal(cipherTrust.address, managerAddress);
    assert.equal(arrived('ciphertrust:POST /v1/system/ssh/keys', 'done').length, 1);
  });

  it('reads a generated first password over SSH as ksadmin, at once where the custom data asks for one', async () => {
    const customData = '#cloud-config\nkeysecure:\n  initial-user:\n    generate-password: true\n';
    values.set('cloud-init', customData);
    request.cipherTrust.customData = { secret: 'cloud-init' };
    await switchOn({}, 'ksadmin', Buffer.from(customData).toString('base64'));
    const cipherTrust = await booted();
    const { exposure } = await step(adminPassword(systems), { ...job(), cipherTrust, openSince: new Date().toISOString() });
    assert.ok(exposure);
    assert.equal(arrived('ciphertrust:ssh', 'done').length, 1);
    assert.equal(arrived('ciphertrust:PATCH /v1/auth/changepw').length, 1, 'admin’s factory password is not tried');
  });

  it('stops where somebody else set the password', async () => {
    await switchOn();
    const cipherTrust = await booted();
    await step(adminPassword(systems), { ...job(), cipherTrust });
    values.set(secretName(target, 'ciphertrust-admin-password'), 'Another-Password-1');
    const { kind, seen } = await problemOf(step(adminPassword(systems), { ...job(), cipherTrust }));
    assert.equal(kind, 'Refused');
    assert.match(seen, /^the kept password is refused; the default password is refused; no generated password can be read as ksadmin/);
  });

  it('gets the licence that is in the secret store, once', async () => {
    request.cipherTrust.licence = { secret: 'licence' };
    values.set('licence', 'a licence text');
    await switchOn();
    const cipherTrust = await licensed();
    await step(licence(systems), { ...job(), cipherTrust });
    assert.equal(arrived('ciphertrust:POST /v1/licensing/licenses').length, 1);
  });

  it('gets every time server once, also those beyond the first ten of its list', async () => {
    request.cipherTrust.ntp = Array.from({ length: 12 }, (_, at) => ({ host: `time${at}.example.com` }));
    await switchOn();
    const cipherTrust = await licensed();
    assert.equal((await step(ntp(systems), { ...job(), cipherTrust })).servers.length, 12);
    assert.equal(arrived('ciphertrust:POST /v1/system/ntp/servers').length, 12);
  });

  it('does not wait for ever for its clock: that it follows no server is a warning', async () => {
    await switchOn({ durations: { ntpSynchronisation: 1e6 } });
    const cipherTrust = await licensed();
    const { synchronised, warnings } = await step(ntp(systems), { ...job(), cipherTrust });
    assert.deepEqual([synchronised, warnings.length], [false, 1]);
  });
});
