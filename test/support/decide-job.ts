import { randomUUID } from 'node:crypto';
import type { ApprovalSignal, ResolveSignal } from '../../domain/decisions.ts';
import type { IncidentAction } from '../../domain/progress.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { exampleRequest } from './example.ts';
import { isNamed, wholeId } from './short-ids.ts';
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
export const decision = <Signal extends Sent<ApprovalSignal> | Sent<ResolveSignal>>(about: Signal) => ({ decisionId: randomUUID(), actor: 'anna', ...about });
type Sent<Signal> = Omit<Signal, 'decisionId' | 'actor'> & Partial<Signal>;

/** Waits for an approval to be asked for. */
export const askedFor = (short: string) => (job: Running) => job.reaches(`${short} asked`, ({ approvals }) => approvals.some(isNamed(short)));
export const firstApproval = askedFor('approve-zeroize-1');

/** Sends an answer to an approval, by its short id. */
export const answer = async (
  job: Pick<Running, 'handle' | 'progress'>,
  signal: 'approve' | 'reject',
  short = 'approve-zeroize-1',
  more: Partial<ApprovalSignal> = {},
) => job.handle.signal(signal, decision({ approvalId: wholeId(await job.progress(), short), ...more }));
export const approve = (job: Running, short?: string) => answer(job, 'approve', short);
export const reject = (job: Running, short?: string) => answer(job, 'reject', short);

/** Decides about an incident, by its short id. */
export const resolve = async (job: Pick<Running, 'handle' | 'progress'>, action: IncidentAction, short = 'incident-1') =>
  job.handle.signal('resolve', decision({ incidentId: wholeId(await job.progress(), short), action }));

/** Waits for an incident to be opened. */
export const incident = (job: Running, short = 'incident-1') => job.reaches(`${short} opened`, ({ incidents }) => incidents.some(isNamed(short)));

/** A promise that the test settles: an activity that acts for as long as the test wants. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
