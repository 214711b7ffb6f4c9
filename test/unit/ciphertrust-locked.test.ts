import assert from 'node:assert/strict';
import { type StepFailure, wordsOf } from '../../domain/failure.ts';
import { lockedForMs, saysLocked } from '../../systems/ciphertrust/errors.ts';
import { recordedManager } from '../support/ciphertrust/recorded-manager.ts';

describe('A locked account, in whatever way that is told', () => {
  const minute = 60_000;
  const rows: [what: string, status: number, message: string | undefined, retryAfter: string | undefined, waits: number][] = [
    ['in words, without a time', 401, 'User account is locked', undefined, 5 * minute],
    ['in words, in seconds', 403, 'locked out for 90 seconds', undefined, 1.5 * minute],
    ['in words, in minutes', 401, 'User account is locked for 30 minutes', undefined, 30 * minute],
    ['in words, in hours', 401, 'User account is locked for 1 hour(s)', undefined, 60 * minute],
    ['in words, when to ask again beside them', 401, 'User account is locked', '600', 10 * minute],
    ['in words, when to ask again is later', 429, 'Account locked for 5 minutes', '900', 15 * minute],
    ['in words, when to ask again is sooner', 429, 'Account locked for 5 minutes', '10', 5 * minute],
    ['by its status alone', 423, undefined, undefined, 5 * minute],
    ['by its status, with when to ask again', 423, 'Locked', '1200', 20 * minute],
  ];
  for (const [what, status, message, retryAfter, waits] of rows)
    it(`is waited for: ${what}`, async () => {
      const answer = [status, message === undefined ? '' : { message }, retryAfter === undefined ? {} : { 'retry-after': retryAfter }] as const;
      for (const operation of ['POST /v1/auth/tokens/', 'PATCH /v1/auth/changepw']) {
        const { manager } = recordedManager({ [operation]: [...answer] });
        const shown = operation.startsWith('POST') ? manager.signIn('p') : manager.changePassword('admin', 'p');
        const { problem } = (await shown.catch((error: unknown) => error)) as StepFailure;
        assert.deepEqual([problem?.kind, problem?.retryAfterMs], ['NotReady', waits], operation);
        assert.match(wordsOf(problem), /locked the account admin/);
      }
    });

  it('is not read into what says something else', () => {
    for (const [status, message] of [
      [401, 'Wrong username or password.'],
      [403, 'License not installed yet for feature Blocklist'],
      [429, 'Too Many Requests'],
    ] as const)
      assert.equal(saysLocked({ status, body: { message } }), false, message);
    assert.equal(lockedForMs({ status: 401, body: { message: 'User account is locked' } }), undefined);
  });
});
