import assert from 'node:assert/strict';
import type { ReportDraft } from '../../domain/report.ts';
import { initialMayHold, managerLines, managerOf } from '../../domain/report-manager.ts';
import { stepIds } from '../../domain/steps.ts';
import { exampleRequest } from '../support/example.ts';

describe('What the report says about CipherTrust Manager', () => {
  const certificate = {
    subject: 'CN=web.cm.local',
    names: 'DNS:cm',
    notBefore: '2026-11-25T09:00:00.000Z',
    notAfter: '2028-11-25T09:00:00.000Z',
    chain: [{ subject: 'CN=web.cm.local', issuer: 'CN=CM CA', fingerprint: 'AA:BB' }],
  };
  const draft = (results: ReportDraft['results'], change: object = {}): ReportDraft => {
    const request = exampleRequest();
    Object.assign(request.cipherTrust, change);
    const steps = Object.fromEntries(stepIds.map((id) => [id, { state: id in results ? 'done' : 'pending', attempts: 1 }]));
    return { target: 'kylo-1', request, results, progress: { steps } } as ReportDraft;
  };
  const full = draft({
    'first-boot': { cipherTrust: { address: '20.0.0.5', pin: 'AA' }, certificate },
    'admin-password': { exposure: { from: '2026-11-25T09:00:00.000Z', until: '2026-11-25T09:00:11.200Z' } },
    'reset-password': {
      cipherTrust: { address: '20.0.0.5', pin: 'BB' },
      warnings: [],
      exposure: { from: '2026-11-25T10:00:00.000Z', until: '2026-11-25T10:00:02.000Z' },
      exposures: [{ from: '2026-11-25T09:30:00.000Z', until: '2026-11-25T09:30:05.000Z' }],
    },
  });

  it('is how to sign in, by the name of the secret, and for how long the initial password worked', () => {
    const { signIn, exposure } = managerOf(full);
    assert.deepEqual(signIn, {
      url: 'https://20.0.0.5',
      user: 'admin',
      passwordSecret: 'kylo-1-ciphertrust-admin-password',
      ssh: { user: 'ksadmin', keySecret: 'kylo-1-ciphertrust-ssh-key' },
    });
    assert.deepEqual(
      exposure.map(({ when, seconds }) => [when, seconds]),
      [
        ['first boot', 12],
        ['after the wipe', 5],
        ['after the wipe', 2],
      ],
    );
    const lines = managerLines(managerOf(full)).join('\n');
    assert.match(lines, /https:\/\/20\.0\.0\.5 as `admin`.*`kylo-1-ciphertrust-admin-password`/);
    assert.match(lines, /at most 12 s \(first boot/);
    assert.match(lines, /Signed by CN=CM CA: CN=web\.cm\.local \(`AA:BB`\)/);
  });

  it('names the user’s own key, or none where its private half is not known here', () => {
    const keyOf = (change: object) => managerOf(draft(full.results, change)).signIn?.ssh.keySecret;
    assert.equal(keyOf({ sshPrivateKey: { secret: 'my-key' } }), 'my-key');
    assert.equal(keyOf({ sshPublicKey: 'ssh-rsa AAAA' }), undefined);
    assert.match(managerLines(managerOf(draft(full.results, { sshKeyInAzure: 'anna' }))).join('\n'), /the private key is yours/);
  });

  it('names no password where the initial one may be in force', () => {
    const { 'first-boot': booted, 'admin-password': replaced, 'reset-password': replacedAgain } = full.results;
    const wiped = { cipherTrust: booted!.cipherTrust };
    const ends: [results: ReportDraft['results'], mayHold: boolean][] = [
      [{ 'first-boot': booted! }, true],
      [{ 'first-boot': booted!, 'admin-password': replaced! }, false],
      [{ 'first-boot': booted!, 'admin-password': replaced!, 'set-root-of-trust': wiped }, true],
      [{ 'first-boot': booted!, 'admin-password': replaced!, 'set-root-of-trust': wiped, 'reset-password': replacedAgain! }, false],
    ];
    for (const [results, mayHold] of ends) {
      assert.equal(initialMayHold(draft(results)), mayHold);
      assert.equal(managerOf(draft(results)).signIn === undefined, mayHold);
    }
  });

  it('is nothing where the job did not come so far', () => {
    assert.deepEqual(managerOf(draft({})), { exposure: [] });
    assert.deepEqual(managerLines({ exposure: [] }), []);
  });
});
