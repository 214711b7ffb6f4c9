import assert from 'node:assert/strict';
import { answerFailure, saying } from '../../systems/ciphertrust/errors.ts';
import { fixture, haveFixtures } from '../support/fixtures.ts';

const json = <T>(path: string): T => JSON.parse(fixture(path)) as T;

describe('What CipherTrust Manager is known to answer', () => {
  before(function () {
    if (!haveFixtures) this.skip();
  });

  it('errors are told with their class or their message, whichever there is', () => {
    const { items } = json<{ items: { status: number; body?: unknown }[] }>('ciphertrust/04-errors.json');
    const withBody = items.filter(({ body }) => body !== undefined) as { status: number; body: { codeDesc?: string } }[];
    assert.ok(withBody.length >= 6);
    for (const { status, body } of withBody) {
      const told = saying({ status, body });
      assert.ok(told.startsWith(`${status} NCERR`), told);
      assert.equal(answerFailure('asking', { status, body }).problem.kind, 'Refused', told);
    }
  });

  it('a proxy’s page while it boots is waited out', () => {
    const { problem } = answerFailure('asking', { status: 502, body: '<html><head><title>502 Bad Gateway</title></head></html>' });
    assert.deepEqual([problem.kind, problem.seen], ['Transient', '502 502 Bad Gateway']);
  });

  it('a master key without an HSM is sealed by “none”', () => {
    assert.match(fixture('ciphertrust/14-rot-keys-mkeks.json'), /"?sealer_name"?: ?"(none|rapido)"/);
  });
});
