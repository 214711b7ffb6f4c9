import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import type { Problem } from '../../domain/failure.ts';
import { type ActivityId, catalog, stepIds } from '../../domain/steps.ts';
import { incident, resolve, workflowTests } from '../support/decide-job.ts';
import { stubActivities } from '../support/stub-activities.ts';

const problem: Problem = { kind: 'Refused', code: 'AZURE_LOCKED', tried: 'something', summary: 'no', remedy: 'Skip it.' };
const refusal = async () => {
  throw ApplicationFailure.create({ message: 'no', type: 'Refused', nonRetryable: true, details: [problem] });
};
const skippable = stepIds.filter((id) => catalog[id].skippable);

describe('A job whose operator skips', () => {
  const its = workflowTests();
  beforeEach(() => {
    its.request.hsm.fips = false;
    its.request.cipherTrust.hostName = 'keys.example.com';
  });

  const endsWithout = async (ids: readonly string[]) => {
    const { activities } = stubActivities(Object.fromEntries(ids.map((id) => [id, refusal])) as Partial<Record<ActivityId, typeof refusal>>);
    await its.bench.withJob(activities, its.request, async (job) => {
      for (const [index] of ids.entries()) {
        await incident(job, `incident-${index + 1}`);
        await resolve(job, 'skip', `incident-${index + 1}`);
      }
      assert.equal((await job.handle.result()).outcome, 'completed');
      const { steps, job: ended } = await job.progress();
      for (const id of skippable) assert.equal(steps[id].state, ids.includes(id) ? 'skipped' : 'done', id);
      assert.equal(ended.warnings.length, ids.length);
    });
  };

  for (const id of skippable) it(`${id} still completes`, () => endsWithout([id]));
  it('everything that may be skipped still completes', () => endsWithout(skippable));
});
