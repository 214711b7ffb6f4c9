import assert from 'node:assert/strict';
import { conditionsOf, letsThrough } from '../../api/job-filter.ts';

describe('The filter of the job list', () => {
  it('asks Temporal for open questions of running jobs by facts of their own', () => {
    assert.deepEqual(conditionsOf({}), []);
    assert.deepEqual(conditionsOf({ state: 'awaiting-approval' }), ["AwaitingApproval = true AND ExecutionStatus = 'Running'"]);
    assert.deepEqual(conditionsOf({ state: 'incident' }), ["HasIncident = true AND ExecutionStatus = 'Running'"]);
    assert.deepEqual(conditionsOf({ awaitingApproval: true, hasIncident: false }), [
      "AwaitingApproval = true AND ExecutionStatus = 'Running'",
      "(HasIncident = false OR ExecutionStatus != 'Running')",
    ]);
  });

  it('lets a job with an open approval beside an open incident through as either', () => {
    const both = { state: 'incident', awaitingApproval: true, hasIncident: true } as const;
    assert.ok(letsThrough({ state: 'awaiting-approval' }, both));
    assert.ok(letsThrough({ state: 'incident' }, both));
    assert.ok(letsThrough({ awaitingApproval: true, hasIncident: true }, both));
    assert.ok(!letsThrough({ state: 'running' }, both));
    assert.ok(!letsThrough({ awaitingApproval: false }, both));
  });
});
