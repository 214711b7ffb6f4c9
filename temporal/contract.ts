import type { SignalName } from '../domain/decisions.ts';
import type { ProvisioningRequest } from '../domain/request.ts';

/** The names that the API, workers, command line, development stack and tests share through Temporal. Safe inside workflows. */

/** The workflow that provisions one HSM. Its id is the target id. */
export const workflowName = 'provision';

/** What it is started with. */
export interface ProvisionInput {
  request: ProvisioningRequest;
  requestedBy: string;
}

export const signalNames = { approve: 'approve', reject: 'reject', resolve: 'resolve' } as const satisfies { [Name in SignalName]: Name };
export const queryNames = { progress: 'progress' } as const;

/** The task queue of this installation: two installations with different queues share a Temporal namespace without seeing each other’s jobs. */
export const taskQueueFrom = ({ HSM_TASK_QUEUE }: Record<string, string | undefined>): string => HSM_TASK_QUEUE || 'hsm-provisioning';

/** The search attributes of every job, whatever its procedure, with the type that Temporal registers them with. */
export const searchAttributes = {
  state: { name: 'JobState', type: 'KEYWORD' },
  phase: { name: 'JobPhase', type: 'KEYWORD' },
  procedure: { name: 'Procedure', type: 'KEYWORD' },
  hsmName: { name: 'HsmName', type: 'KEYWORD' },
  region: { name: 'AzureRegion', type: 'KEYWORD' },
  requestedBy: { name: 'RequestedBy', type: 'KEYWORD' },
  outcome: { name: 'JobOutcome', type: 'KEYWORD' },
  awaitingApproval: { name: 'AwaitingApproval', type: 'BOOL' },
  hasIncident: { name: 'HasIncident', type: 'BOOL' },
} as const;

/** `Name=Type`, as `temporal server start-dev --search-attribute` takes them. */
export const searchAttributeArguments: string[] = Object.values(searchAttributes).map(({ name, type }) => `${name}=${type === 'BOOL' ? 'Bool' : 'Keyword'}`);
