import assert from 'node:assert/strict';
import { decideFirstBoot } from '../../activities/ciphertrust/first-boot.ts';
import { decideLicence } from '../../activities/ciphertrust/licence.ts';
import { decideNtp } from '../../activities/ciphertrust/ntp.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { Manager } from '../../systems/ciphertrust/ciphertrust.ts';
import { answerFailure, saying } from '../../systems/ciphertrust/errors.ts';
import { activateLicence } from '../../systems/ciphertrust/essentials.ts';
import { SetupLog } from '../../systems/ciphertrust/setup-log.ts';
import type { SecretStore } from '../../systems/secrets/store.ts';
import type { Transcripts } from '../../systems/transcripts.ts';

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
      assert.equal(answerFailure('asking', { status: 400, body: { message: said } }, sent).problem.seen, told));
});

describe('The first boot', () => {
  const comesTo = (seen: Parameters<typeof decideFirstBoot>[0]) => decideFirstBoot(seen, { reachable: '20.0.0.5' });

  it('is over when all services are up, and pins what it sees then', () => {
    const manager = {} as Manager;
    assert.deepEqual(comesTo({ started: true, pin: 'AA', manager, look: 9 }), { kind: 'done', result: { cipherTrust: { address: '20.0.0.5', pin: 'AA' } } });
  });

  it('says what it waits for, and after long the usual reason', () => {
    assert.deepEqual(comesTo({ started: false, detail: 'starting', look: 2 }), { kind: 'wait', why: 'CipherTrust Manager is booting: starting' });
    assert.match((comesTo({ started: false, detail: 'starting', look: 99 }) as { why: string }).why, /ksadmin/);
  });
});

describe('Time servers', () => {
  const hosts = { ntp: [{ host: 'a' }, { host: 'b', key: { secret: 'k' } }] };
  const rows: [what: string, seen: Parameters<typeof decideNtp>[0], comesTo: string][] = [
    ['one is missing', { listed: ['a', 'theirs'], synchronised: true, look: 1 }, 'act'],
    ['all are listed, none is followed yet', { listed: ['a', 'b'], synchronised: false, look: 1 }, 'wait'],
    ['none is followed after long', { listed: ['a', 'b'], synchronised: false, look: 99 }, 'done'],
    ['one is followed', { listed: ['b', 'a'], synchronised: true, look: 1 }, 'done'],
  ];
  for (const [what, seen, comesTo] of rows) it(`${what}: ${comesTo}`, () => assert.equal(decideNtp(seen, wants(hosts)).kind, comesTo));

  it('are not waited for where none is wanted', () => {
    assert.deepEqual(decideNtp({ listed: [], synchronised: false, look: 1 }, wants({ ntp: [] })), {
      kind: 'done',
      result: { servers: [], synchronised: false, warnings: [] },
    });
  });
});

describe('The licence', () => {
  const trial = (status: string) => ({ trial: { id: 't', status }, licences: 0 });
  const rows: [what: string, seen: Parameters<typeof decideLicence>[0], wanted: ProvisioningRequest['cipherTrust']['licence'], comesTo: string][] = [
    ['a trial that is only offered', trial('available'), 'trial', 'act'],
    ['a trial that was ended', trial('deactivated'), 'trial', 'act'],
    ['an active trial', trial('activated'), 'trial', 'done'],
    ['a licence in place of the trial', { trial: undefined, licences: 1 }, 'trial', 'done'],
    ['an active trial where a licence is wanted', trial('activated'), { secret: 'l' }, 'act'],
    ['none wanted', trial('available'), 'none', 'done'],
  ];
  for (const [what, seen, licence, comesTo] of rows) it(`${what}: ${comesTo}`, () => assert.equal(decideLicence(seen, wants({ licence })).kind, comesTo));

  it('that cannot be had is asked of a person, and nothing is sent', async () => {
    const [manager, secrets] = [{} as Manager, {} as SecretStore];
    for (const [seen, said] of [
      [{ trial: undefined, licences: 0 }, /no trial is offered/],
      [trial('expired'), /the trial is expired/],
    ] as const)
      await assert.rejects(activateLicence(manager, secrets, seen, wants({ licence: 'trial' }).request.cipherTrust), said);
  });
});

describe('The log of hsm/setup', () => {
  const job = { target: 't', runId: 'r', request: {} as ProvisioningRequest };

  /** Transcripts in memory, one text a step. */
  function transcripts(): Transcripts & { text: string } {
    const kept = {
      text: '',
      append: async (_target: string, _run: string, step: string, line: string) => {
        assert.equal(step, 'set-root-of-trust');
        kept.text += `${line}\n`;
      },
      list: async () => [{ step: 'fips-mode', text: 'POST', sha256: '' }, ...(kept.text ? [{ step: 'set-root-of-trust', text: kept.text, sha256: '' }] : [])],
    };
    return kept;
  }

  it('counts what left and was not refused, across all who write it', async () => {
    const kept = transcripts();
    const log = () => new SetupLog(kept, job);
    assert.equal(await log().sent(), 0);
    await log().sending('for partition 1 on 172.22.1.4, with reset');
    assert.equal(await log().sent(), 1, 'before there is an answer');
    await log().refused('400 Validation errors:\nserial: serial is a required field');
    assert.equal(await log().sent(), 0);
    await log().sending('for partition 1 on 172.22.1.4, with reset');
    await log().answered('no answer: socket hang up');
    assert.equal(await log().sent(), 1);
    assert.equal(kept.text.trimEnd().split('\n').length, 4, 'one line each, whatever was answered');
  });
});
