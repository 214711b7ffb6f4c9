import assert from 'node:assert/strict';
import { decideNtp } from '../../activities/ciphertrust/ntp.ts';
import { decideResetPassword } from '../../activities/root-of-trust/reset-password.ts';
import { readNtp } from '../../systems/ciphertrust/essentials.ts';
import { recordedManager } from '../support/ciphertrust/recorded-manager.ts';
import { exampleRequest } from '../support/example.ts';

const request = exampleRequest();
request.cipherTrust.ntp = [{ host: 'ours' }];
const others = [{ host: 'theirs' }, { host: 'keyed', keyed: true as const }];

describe('Time servers that a CipherTrust Manager has besides', () => {
  it('are told with whether they are asked with a key, and without it, shown or not', async () => {
    for (const shown of [{ key: 'symmetric', key_type: 'SHA-1' }, { key_type: 'SHA-256' }, { key: 'symmetric' }]) {
      const list = { total: 3, resources: [{ host: 'theirs' }, { host: 'ours', ...shown }, { host: 'keyed', ...shown }] };
      const { manager } = recordedManager({
        'GET /v1/system/ntp/servers': [200, list],
        'GET /v1/system/ntp/status': [200, { 'ntpq -p': '*ours' }],
      });
      const decision = decideNtp({ ...(await readNtp(manager)), look: 1 }, { request });
      assert.deepEqual(decision, { kind: 'done', result: { servers: ['ours'], others, synchronized: true, warnings: [] } });
    }
  });

  const afterWipe = (listed: string[], more: { ntpSkipped?: true } = {}) =>
    decideResetPassword(
      {
        login: { signedIn: true, left: [], found: [] },
        inside: { ntp: { listed, synchronized: true }, license: { trial: { id: 't', status: 'activated' }, licenses: 0 } },
        at: 'T',
      },
      { target: 't', request, cipherTrust: { address: 'a', pin: 'A' }, others, ...more },
    );
  const onceWiped = (...listed: string[]) => afterWipe(listed);
  const warnings = (decision: ReturnType<typeof onceWiped>) => decision.kind === 'done' && decision.result.warnings;

  it('are added again after the wipe where they had no key', () => {
    assert.deepEqual(onceWiped('ours'), { kind: 'act', change: 'add-ntp' });
  });

  it('are warned of where their key went with the wipe', () => {
    const told = warnings(onceWiped('ours', 'theirs')) || [];
    assert.equal(told.length, 1);
    assert.match(told.join(), /removed the time server keyed\..*key cannot be read back/);
  });

  it('are the only ones where a person decided to go on without the request’s', () => {
    assert.deepEqual(afterWipe([], { ntpSkipped: true }), { kind: 'act', change: 'add-ntp' });
    assert.equal(afterWipe(['theirs', 'keyed'], { ntpSkipped: true }).kind, 'done');
    assert.equal(afterWipe(['theirs', 'keyed']).kind, 'act');
  });

  it('need nothing where they are still there', () => {
    assert.deepEqual(warnings(onceWiped('keyed', 'ours', 'theirs')), []);
  });
});
