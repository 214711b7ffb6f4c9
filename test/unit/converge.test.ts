import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { act, converge } from '../../activities/converge.ts';
import { runStep } from '../support/fence.ts';

describe('A change that changed nothing', () => {
  it('is made once: then a person looks', async () => {
    let made = 0;
    const step = converge<{ order?: number }, string, never, 'change'>({
      observe: async () => {
        if (made > 3) throw new Error('It is made again and again.');
        return 'as before';
      },
      decide: () => act('change'),
      act: {
        change: async () => {
          made++;
        },
      },
    });
    const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR', () => {}) });
    await assert.rejects(runStep(environment, step, {}), (error: unknown) => {
      assert.ok(error instanceof ApplicationFailure);
      assert.deepEqual([error.type, error.nonRetryable], ['Unsafe', true], 'Temporal makes no further attempt by itself');
      assert.match(error.message, /success was reported, but nothing changed/);
      return true;
    });
    assert.equal(made, 1);
  });
});
