import { ActivityFailure, ApplicationFailure, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { ProvisioningRequest } from '../domain/request.ts';
import { withoutOutcome } from '../domain/step-outcome.ts';
import type { WhatIf, WhatIfActivity } from '../domain/what-if.ts';
import { withoutBugs } from './engine/failures.ts';

const { 'what-if': whatIf } = proxyActivities<WhatIfActivity>({
  summary: 'Look at what is there',
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '10 seconds',
  scheduleToCloseTimeout: '2 minutes',
  retry: { initialInterval: '1 second', maximumInterval: '5 seconds' },
});

/** What a request would change: one look, nothing else. `target` is whose marks count as our own. */
export const planWhatIf = (input: { request: ProvisioningRequest; target: string }): Promise<WhatIf> => withoutBugs(() => look(input));

async function look({ request, target }: { request: ProvisioningRequest; target: string }): Promise<WhatIf> {
  try {
    return withoutOutcome(await whatIf({ request, target, runId: workflowInfo().runId }));
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const { cause } = error;
    throw ApplicationFailure.nonRetryable(
      cause?.message ?? 'What is there could not be read in time.',
      cause instanceof ApplicationFailure ? (cause.type ?? '') : 'Transient',
    );
  }
}
