import assert from 'node:assert/strict';
import { decideFirstBoot } from '../../activities/ciphertrust/first-boot.ts';
import { decideLicense } from '../../activities/ciphertrust/license.ts';
import { decideNtp } from '../../activities/ciphertrust/ntp.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { PresentedCertificate } from '../../domain/results.ts';
import { selfSigned } from '../../simulator/certificates.ts';
import { AttemptRecord } from '../../stores/record/attempt-record.ts';
import { createRecords, Stale } from '../../stores/record/record.ts';
import type { Transcripts } from '../../stores/reports/transcripts.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import { type BeforeSetup, problemBeforeSetup } from '../../systems/ciphertrust/before-setup.ts';
import type { Manager } from '../../systems/ciphertrust/ciphertrust.ts';
import { answerFailure, lockedForMs, saying, saysLocked } from '../../systems/ciphertrust/errors.ts';
import { activateLicense, addNtp } from '../../systems/ciphertrust/essentials.ts';
import { SetupRecord } from '../../systems/ciphertrust/setup-record.ts';
import { recordedManager } from '../support/ciphertrust/recorded-manager.ts';
import { memoryNumberedStore } from '../support/numbered-store.ts';

const wants = (cipherTrust: Partial<ProvisioningRequest['cipherTrust']>) => ({ request: { cipherTrust } as ProvisioningRequest });

describe('What CipherTrust Manager says to a failure', () => {
  it('is told in its words, or in those of the proxy before it', () => {
    assert.equal(
      saying({ status: 400, body: { codeDesc: 'NCERRBadRequest: Bad HTTP request', message: 'invalid JSON' } }),
      '400 NCERRBadRequest: Bad HTTP request: invalid JSON',
    );
    assert.equal(saying({ status: 401, body: { codeDesc: 'NCERRUnauthorizedAccess' } }), '401 NCERRUnauthorizedAccess');
    assert.equal(saying({ status: 502, body: '<html><body><h1>Bad</h1>\n<p>Gateway</p></body></html>' }), '502 Bad Gateway');
    assert.equal(saying({ status: 504, body: undefined }), '504');
  });

  const key = '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n';
  const quoted: [what: string, sent: object, said: string, told: string][] = [
    ['a new password', { username: 'admin', new_password: 'Secret-1' }, 'Secret-1 is too short for admin', '400 ******** is too short for admin'],
    [
      'a partition’s password within connInfo',
      { connInfo: JSON.stringify({ partition_password: 'pin' }) },
      'login with pin failed',
      '400 login with ******** failed',
    ],
    ['connInfo as it was sent', { connInfo: '{"partition_password":"pin"}' }, 'invalid: {"partition_password":"pin"}', '400 invalid: ********'],
    ['a key, also as JSON has it', { initialConfig: { 'client-cert-key': key } }, `no key: ${JSON.stringify(key)}`, '400 no key: "********"'],
  ];
  for (const [what, sent, said, told] of quoted)
    it(`is told without ${what} that it quotes`, () =>
      assert.equal(answerFailure('asking', { status: 400, body: { message: said } }, sent).problem.evidence?.text, told));
});

describe('The first boot', () => {
  const manager = {} as Manager;
  const certificate: PresentedCertificate = { subject: 'CN=web', names: 'DNS:cm', notBefore: '', notAfter: '', chain: [] };
  const notYet = (look: number, more: object = {}) => ({ started: false as const, detail: 'starting', look, notBefore: 'T', repaired: false, ...more });
  const comesTo = (seen: Parameters<typeof decideFirstBoot>[0], more: object = {}) => decideFirstBoot(seen, { reachable: '20.0.0.5', ...more });

  it('is over when all services are up; it pins what it sees then and tells since when the box may have been open', () => {
    assert.deepEqual(comesTo({ started: true, pin: 'AA', certificate, manager, look: 9, notBefore: 'T', repaired: false }), {
      kind: 'done',
      result: { cipherTrust: { address: '20.0.0.5', pin: 'AA' }, openSince: 'T', certificate },
    });
  });

  it('says what it waits for, and after long the usual reason', () => {
    assert.deepEqual(comesTo(notYet(2)), { kind: 'wait', why: 'CipherTrust Manager is booting: starting' });
    assert.match((comesTo(notYet(99)) as { why: string }).why, /ksadmin/);
  });

  it('gives ksadmin its key where services wait for that, not at every look, and only to a manager that says itself that it starts', () => {
    const publicKey = 'ssh-rsa AAAA';
    assert.equal(comesTo(notYet(61, { manager }), { publicKey }).kind, 'act');
    assert.equal(comesTo(notYet(62, { manager }), { publicKey }).kind, 'wait');
    assert.equal(comesTo(notYet(61, { manager, repaired: true }), { publicKey }).kind, 'wait');
    assert.equal(comesTo(notYet(61), { publicKey }).kind, 'wait');
  });
});

describe('Before hsm/setup', () => {
  let pair: { certificatePem: string; privateKeyPem: string };
  before(async () => {
    pair = await selfSigned({ commonName: '172.22.0.5' });
  });
  const registration = { name: 'cm', by: 'ip' as const, host: '172.22.0.5', partitions: ['luna_part'], certificateIsOurs: true };
  const facts = (change: Partial<BeforeSetup>): BeforeSetup => ({
    now: Date.now(),
    certificatePem: pair.certificatePem,
    serverCertificatePem: pair.certificatePem,
    keyBelongs: true,
    clockDifferenceSeconds: 10,
    licensed: true,
    portOpen: true,
    registration,
    partitionName: 'luna_part',
    objects: [],
    ...change,
  });
  const rows: [what: string, change: () => Partial<BeforeSetup>, seen: RegExp | undefined][] = [
    ['all is well', () => ({}), undefined],
    ['the partition holds its own root keys', () => ({ objects: ['DARKSTARKEY-mac-key', 'DARKSTARKEY-encryption-key'] }), undefined],
    ['the key is another one', () => ({ keyBelongs: false }), /does not belong/],
    ['the certificate has ended', () => ({ now: Date.now() + 20 * 365 * 86_400_000 }), /ended at/],
    ['the clocks differ', () => ({ clockDifferenceSeconds: -7_200 }), /120 minutes apart/],
    ['the client is not registered', () => ({ registration: 'none' }), /not registered/],
    ['it is registered with another certificate', () => ({ registration: { ...registration, certificateIsOurs: false } }), /another certificate/],
    ['the partition is not assigned', () => ({ registration: { ...registration, partitions: [] } }), /not assigned/],
    ['the partition holds something else', () => ({ objects: ['DARKSTARKEY-mac-key', 'their-key'] }), /their-key/],
    ['no license is active', () => ({ licensed: false }), /no license and no trial/],
    ['port 1792 cannot be reached', () => ({ portOpen: false }), /1792/],
  ];
  for (const [what, change, seen] of rows)
    it(`${what}: ${seen ? 'it is not sent' : 'it may be sent'}`, () => {
      const problem = problemBeforeSetup(facts(change()));
      if (seen) assert.match(problem?.summary ?? '', seen);
      else assert.equal(problem, undefined);
    });

  it('what cannot be found out speaks against nothing', () => {
    const { clockDifferenceSeconds: _, portOpen: __, registration: ___, objects: ____, licensed: _____, ...known } = facts({});
    assert.equal(problemBeforeSetup(known), undefined);
  });
});

describe('A locked account', () => {
  it('is known by words, and so is for how long', () => {
    const said = (status: number, message: string) => ({ status, body: { code: 5, codeDesc: 'NCERRUnauthorizedAccess', message } });
    assert.equal(saysLocked(said(401, 'User account is locked for 5 minutes.')), true);
    assert.equal(lockedForMs(said(401, 'User account is locked for 5 minutes.')), 300_000);
    assert.equal(saysLocked(said(401, 'Wrong username or password.')), false);
    assert.equal(saysLocked(said(403, 'License not installed yet for feature Blocklist')), false);
    assert.equal(lockedForMs(said(401, 'User account is locked')), undefined);
  });
});

describe('Time servers', () => {
  const hosts = { ntp: [{ host: 'a' }, { host: 'b', key: { secret: 'k' } }] };
  const rows: [what: string, seen: Parameters<typeof decideNtp>[0], comesTo: string][] = [
    ['one is missing', { listed: ['a', 'theirs'], synchronized: true, look: 1 }, 'act'],
    ['all are listed, none is followed yet', { listed: ['a', 'b'], synchronized: false, look: 1 }, 'wait'],
    ['none is followed after long', { listed: ['a', 'b'], synchronized: false, look: 99 }, 'done'],
    ['one is followed', { listed: ['b', 'a'], synchronized: true, look: 1 }, 'done'],
  ];
  for (const [what, seen, comesTo] of rows) it(`${what}: ${comesTo}`, () => assert.equal(decideNtp(seen, wants(hosts)).kind, comesTo));

  it('that are there already are no failure, however that is told', async () => {
    const adding = (status: number, message: string) =>
      addNtp(recordedManager({ 'POST /v1/system/ntp/servers': [status, { message }] }).manager, {} as SecretStore, [{ host: 'a' }]);
    await adding(409, '');
    await adding(400, 'NTP server a already exists');
    await assert.rejects(adding(400, 'host: a is no host'), /no host/);
  });

  it('are not waited for where none is wanted', () => {
    assert.deepEqual(decideNtp({ listed: [], synchronized: false, look: 1 }, wants({ ntp: [] })), {
      kind: 'done',
      result: { servers: [], synchronized: false, warnings: [] },
    });
  });
});

describe('The license', () => {
  const trial = (status: string) => ({ trial: { id: 't', status }, licenses: 0 });
  const rows: [what: string, seen: Parameters<typeof decideLicense>[0], wanted: ProvisioningRequest['cipherTrust']['license'], comesTo: string][] = [
    ['a trial that is only offered', trial('available'), 'trial', 'act'],
    ['a trial that was ended', trial('deactivated'), 'trial', 'act'],
    ['an active trial', trial('activated'), 'trial', 'done'],
    ['a license in place of the trial', { trial: undefined, licenses: 1 }, 'trial', 'done'],
    ['an active trial where a license is wanted', trial('activated'), { secret: 'l' }, 'act'],
    ['none wanted', trial('available'), 'none', 'done'],
  ];
  for (const [what, seen, license, comesTo] of rows) it(`${what}: ${comesTo}`, () => assert.equal(decideLicense(seen, wants({ license })).kind, comesTo));

  it('is activated where it was ended, too', async () => {
    for (const status of ['available', 'deactivated']) {
      const { asked, manager } = recordedManager({ 'POST /v1/licensing/trials/t/activate': [200, {}] });
      await activateLicense(manager, {} as SecretStore, trial(status), wants({ license: 'trial' }).request.cipherTrust);
      assert.equal(asked.length, 1, status);
    }
  });

  it('that cannot be had is asked of a person, and nothing is sent', async () => {
    const [manager, secrets] = [{} as Manager, {} as SecretStore];
    for (const [seen, said] of [
      [{ trial: undefined, licenses: 0 }, /no trial is offered/],
      [trial('expired'), /the trial is expired/],
    ] as const)
      await assert.rejects(activateLicense(manager, secrets, seen, wants({ license: 'trial' }).request.cipherTrust), said);
  });
});

describe('A request that is answered with 401', () => {
  const answers: Parameters<typeof recordedManager>[0] = {
    'POST /v1/auth/tokens/': [200, { jwt: 'a.b.c', duration: 300 }],
    'POST /v1/system/hsm/setup': [401, {}],
    'GET /v1/domains': [401, {}],
  };
  it('is sent once more with a new token; hsm/setup is not: a person decides', async () => {
    const { asked, manager } = recordedManager(answers);
    await manager.signIn('p');
    manager.renewsBy(() => manager.signIn('p'));
    for (const [method, path, times] of [
      ['GET', '/v1/domains', 2],
      ['POST', '/v1/system/hsm/setup', 1],
    ] as const) {
      assert.equal((await manager.raw(method, path)).status, 401);
      assert.equal(asked.filter((one) => one.path === path).length, times, path);
    }
  });
});

const job = { target: 't', runId: 'r', request: {} as ProvisioningRequest };

/** Transcripts in memory: the lines of one step. */
function transcripts(logged: string): Transcripts & { lines: string[] } {
  const kept = {
    lines: [] as string[],
    append: async (_target: string, _run: string, step: string, line: string) => {
      assert.equal(step, logged);
      kept.lines.push(line.slice(25));
    },
    list: async () => [],
  };
  return kept;
}

describe('The record of hsm/setup', () => {
  const entries = new Map<string, string>();
  beforeEach(() => entries.clear());
  const evidence = transcripts('set-root-of-trust');
  let now = 1_000;
  const recordOf = (execution: string, runId = 'r') => {
    const records = createRecords(memoryNumberedStore(entries));
    const writer = { jobId: 't', runId, execution, attempt: 1, retry: 1 };
    const record = new AttemptRecord(() => records.of('t', 'ciphertrust', writer));
    return new SetupRecord({ record, transcripts: evidence, job, step: 'set-root-of-trust', order: { runId, execution }, now: async () => now });
  };
  const sent = (id: string) => ({ id, partitionSerial: '1', hsmAddress: '172.22.1.4', pin: 'A' });
  const what = 'POST /v1/system/hsm/setup for partition 1 on 172.22.1.4, with reset';

  it('knows what left, what was answered, and under which order a person was told, whoever entered it', async () => {
    evidence.lines.length = 0;
    assert.deepEqual(await recordOf('31').look(), []);
    const sender = recordOf('31');
    await sender.look();
    await sender.sending(sent('a'));
    assert.deepEqual(await recordOf('32').look(), [{ id: 'a', partitionSerial: '1', pin: 'A', sentAt: 1_000, heardAt: 1_000, answered: false, failed: false }]);
    now = 2_000;
    await recordOf('31').told('a');
    await sender.failed('a', 500, '500 NCERRInternalServerError:\nunexpected error');
    const failed = { answered: true, failed: true, status: 500, heardAt: 2_000, evidence: 'failed: 500 NCERRInternalServerError: unexpected error' };
    assert.deepEqual(await recordOf('32').look(), [
      { id: 'a', partitionSerial: '1', pin: 'A', sentAt: 1_000, ...failed, toldUnder: { runId: 'r', execution: '31' } },
    ]);
    assert.deepEqual(evidence.lines, [`#a ${what}`, '#a a person is told (order 31)', '#a failed: 500 NCERRInternalServerError: unexpected error']);
    assert.equal(entries.size, 3);
  });

  it('lets none leave where anything was entered since the last look', async () => {
    const [first, second] = [recordOf('31'), recordOf('31')];
    await Promise.all([first.look(), second.look()]);
    await first.sending(sent('a'));
    await assert.rejects(second.sending(sent('b')), Stale);
    assert.deepEqual(
      (await second.look()).map(({ id }) => id),
      ['a'],
    );
  });

  it('knows one that cannot have left, as where its line in the transcript could not be written', async () => {
    const broken = { ...evidence, append: () => Promise.reject(new Error('ENOSPC')) };
    const records = createRecords(memoryNumberedStore(entries));
    const record = new AttemptRecord(() => records.of('t', 'ciphertrust', { jobId: 't', runId: 'r', execution: '31', attempt: 1, retry: 1 }));
    const sender = new SetupRecord({
      record,
      transcripts: broken,
      job,
      step: 'set-root-of-trust',
      order: { runId: 'r', execution: '31' },
      now: async () => now,
    });
    await sender.look();
    await assert.rejects(sender.sending(sent('a')), /ENOSPC/);
    assert.deepEqual(await recordOf('32').look(), []);
  });

  it('remembers a doubt until a person has ordered to go on, in this run', async () => {
    const port = 'port 1792 cannot be reached';
    await recordOf('31').doubted(port);
    const wasDoubted = (execution: string, doubt: string, runId?: string) => recordOf(execution, runId).wasDoubted(doubt);
    assert.deepEqual([await wasDoubted('31', port), await wasDoubted('32', port)], [false, true]);
    assert.equal(await wasDoubted('32', 'no license is active'), false, 'another one that nobody has been told of');
    assert.equal(await wasDoubted('32', port, 'another run'), false);
    assert.deepEqual(await recordOf('32').look(), []);
  });
});
