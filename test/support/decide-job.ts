import { randomUUID } from 'node:crypto';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { exampleRequest } from './example.ts';
import { type Running, type WorkflowBench, workflowBench } from './workflow-bench.ts';

/** For the suite that calls it: one bench for all its tests, and a request for each. */
export function workflowTests(): { bench: WorkflowBench; request: ProvisioningRequest } {
  const its = {} as { bench: WorkflowBench; request: ProvisioningRequest };
  before(async () => {
    its.bench = await workflowBench();
  });
  after(() => its.bench?.stop());
  beforeEach(() => {
    its.request = exampleRequest();
  });
  return its;
}

/** What a person sends: about an approval or an incident. */
export const decision = (about: object) => ({ decisionId: randomUUID(), actor: 'anna', ...about });

/** Waits for an approval to be asked for. */
export const askedFor = (id: string) => (job: Running) => job.reaches(`${id} asked`, ({ approvals }) => approvals.some((approval) => approval.id === id));
export const firstApproval = askedFor('approve-zeroize-1');
export const approve = (job: Running, approvalId = 'approve-zeroize-1') => job.handle.signal('approve', decision({ approvalId }));

/** Waits for an incident to be opened. */
export const incident = (job: Running, id = 'incident-1') => job.reaches(`${id} opened`, ({ incidents }) => incidents.some((open) => open.id === id));

/** A promise that the test settles: an activity that acts for as long as the test wants. */
export function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
