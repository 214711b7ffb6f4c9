import assert from 'node:assert/strict';
import { open, writeFile } from 'node:fs/promises';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { converge, done } from '../../activities/converge.ts';
import { notReady, type Problem, refused, unsafe, wordsOf } from '../../domain/failure.ts';
import { storeFailed } from '../../stores/secrets/kept.ts';
import { localFault } from '../../systems/local-faults.ts';

const systemError = (code: string, more: object = {}) => Object.assign(new Error(`${code}: it failed`), { code, errno: -1, syscall: 'write', ...more });
const told = { code: 'HSM_COMMAND_FAILED', tried: 'hsm login', summary: 'the password is refused', remedy: 'Compare it.' } as const;

/** What a step that fails with this error tells Temporal. */
async function failureWith(error: unknown): Promise<ApplicationFailure> {
  const step = converge<{ order?: number }, never, object, never>({ observe: () => Promise.reject(error), decide: () => done({}), act: {} });
  const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000 }, { logger: new DefaultLogger('ERROR', () => {}) });
  const failure = await environment.run(step, {}).then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(failure instanceof ApplicationFailure);
  return failure;
}

describe('A fault of the worker’s own machine', () => {
  for (const [code, seen] of [
    ['ENOSPC', /disk is full/],
    ['EDQUOT', /quota/],
    ['EROFS', /read-only/],
    ['EIO', /input\/output error/],
    ['EMFILE', /too many files open/],
    ['ENFILE', /too many files open/],
    ['EAGAIN', /out of memory/],
    ['ENOMEM', /out of memory/],
    ['EBUSY', /in use/],
    ['EAI_AGAIN', /cannot be resolved/],
    ['ENOTFOUND', /cannot be resolved/],
  ] as const)
    it(`is tried again by itself, and says what to do: ${code}`, async () => {
      const failure = await failureWith(systemError(code, { path: '/var/lib/hsm/x' }));
      const problem = failure.details![0] as Problem;
      assert.deepEqual([failure.type, failure.nonRetryable], ['Transient', false]);
      assert.ok(Number(failure.nextRetryDelay) >= 5_000);
      assert.match(wordsOf(problem), seen);
      assert.match(wordsOf(problem), /\/var\/lib\/hsm\/x/);
      assert.doesNotMatch(failure.message, /defect/);
    });

  it('is known as the operating system tells it', async () => {
    const full = await writeFile('/dev/full', 'x').catch((error: unknown) => error);
    assert.match(localFault(full)!.summary, /disk is full \(.*ENOSPC\)/);
    const handle = await open('/dev/full', 'w');
    const written = await handle.writeFile('x').catch((error: unknown) => error);
    await handle.close();
    assert.match(localFault(written)!.summary, /disk is full/);
  });

  it('names the host that cannot be resolved', () => {
    assert.match(localFault(systemError('EAI_AGAIN', { syscall: 'getaddrinfo', hostname: 'vault.internal' }))!.summary, /vault\.internal/);
  });

  it('is seen through what a store says of it, and keeps what was tried', async () => {
    for (const error of [
      storeFailed('reading the secret kylo-1-hsm-so-password', systemError('EIO')),
      storeFailed('keeping the secret x', refused(told, systemError('ENOSPC'))),
      refused({ ...told, tried: 'storing the report /r/kylo.json' }, systemError('EROFS')),
    ]) {
      const failure = await failureWith(error);
      assert.deepEqual([failure.type, failure.nonRetryable], ['Transient', false]);
      assert.equal((failure.details![0] as Problem).tried, error.problem.tried);
    }
  });

  it('is nothing that another system said, nor what does not pass', async () => {
    const circle = new Error('circle');
    circle.cause = circle;
    for (const [error, type] of [
      [unsafe(told), 'Unsafe'],
      [refused(told), 'Refused'],
      [unsafe(told, new Error('in between', { cause: refused(told) })), 'Unsafe'],
      [storeFailed('reading the secret x', refused({ ...told, code: 'SECRET_KEY_LOST', summary: 'kept with another key' })), 'Unsafe'],
      [storeFailed('reading the secret x', systemError('EACCES')), 'Unsafe'],
      [systemError('ENOENT'), 'Unsafe'],
      [systemError('toString'), 'Unsafe'],
      [Object.assign(new Error('a program said so'), { code: 'ENOSPC' }), 'Unsafe'],
      [new AggregateError([systemError('ENOSPC'), refused(told)]), 'Unsafe'],
      [circle, 'Unsafe'],
      [notReady('later'), 'NotReady'],
    ] as const)
      assert.equal((await failureWith(error)).type, type, String(error));
  });
});
