import assert from 'node:assert/strict';
import { type Client, ServiceError } from '@temporalio/client';
import { HttpProblem } from '../../api/problem.ts';
import { withSearchAttributes } from '../../api/search-attributes.ts';

const registered = {
  JobState: 2,
  JobPhase: 2,
  Procedure: 2,
  HsmName: 2,
  AzureRegion: 2,
  RequestedBy: 2,
  JobOutcome: 2,
  AwaitingApproval: 5,
  HasIncident: 5,
};
const clientWith = (customAttributes: Record<string, number>): Client =>
  ({
    options: { namespace: 'hsm' },
    withDeadline: (_: number, ask: () => unknown) => ask(),
    connection: { operatorService: { listSearchAttributes: async () => ({ customAttributes }) } },
  }) as unknown as Client;
const unknownAttribute = () =>
  new ServiceError('Failed to start Workflow', {
    cause: Object.assign(new Error('3 INVALID_ARGUMENT: Namespace hsm has no mapping defined for search attribute HsmName'), { code: 3 }),
  });

describe('Search attributes that Temporal does not take', () => {
  it('are tried again for a moment where they were just registered', async () => {
    let tries = 0;
    const call = async () => {
      tries++;
      if (tries < 3) throw unknownAttribute();
      return 'started';
    };
    assert.equal(await withSearchAttributes(clientWith(registered), call, { patienceMs: 5_000, everyMs: 1 }), 'started');
  });

  it('are a 503 that says to wait where they are registered and stay unusable', async () => {
    const call = async () => Promise.reject(unknownAttribute());
    const problem = await withSearchAttributes(clientWith(registered), call, { patienceMs: 20, everyMs: 1 }).catch((error: unknown) => error);
    assert.ok(problem instanceof HttpProblem);
    assert.deepEqual([problem.status, problem.headers['retry-after']], [503, '10']);
    assert.match(problem.message, /registered.*not usable yet/);
    assert.ok(problem.cause instanceof ServiceError);
  });

  it('are named with their command where they are missing or of another type', async () => {
    const { HsmName: _, ...others } = registered;
    const call = async () => Promise.reject(unknownAttribute());
    const problem = await withSearchAttributes(clientWith({ ...others, HasIncident: 2 }), call, { patienceMs: 5_000, everyMs: 1 }).catch(
      (error: unknown) => error,
    );
    assert.ok(problem instanceof HttpProblem);
    assert.match(problem.message, /HsmName/);
    assert.match(problem.message, /HasIncident is registered as Keyword, not Bool/);
    assert.equal(problem.more['command'], 'temporal operator search-attribute create --namespace hsm --name HsmName --type Keyword');
  });

  it('tells a server that is too old for a list of stuck jobs from one that lacks an attribute', async () => {
    const cause = Object.assign(new Error("3 INVALID_ARGUMENT: column name 'TemporalReportedProblems' is not a valid search attribute"), { code: 3 });
    const call = async () => Promise.reject(new ServiceError('Failed to list workflows', { cause }));
    const problem = await withSearchAttributes(clientWith(registered), call, { patienceMs: 5_000, everyMs: 1 }).catch((error: unknown) => error);
    assert.ok(problem instanceof HttpProblem);
    assert.equal(problem.status, 501);
    assert.match(problem.message, /1\.31/);
  });

  it('leaves other failures alone', async () => {
    const other = new ServiceError('no', { cause: Object.assign(new Error('3 INVALID_ARGUMENT: WorkflowId is too long'), { code: 3 }) });
    await assert.rejects(
      withSearchAttributes(clientWith({}), async () => Promise.reject(other)),
      other,
    );
  });
});
