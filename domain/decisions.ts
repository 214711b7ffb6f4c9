/** The signals, exactly as a person may send them from the API, the CLI or the Temporal UI. */
export interface ApprovalSignal {
  approvalId: string;
  /** Chosen by the sender; the verdict is kept under it, and a second signal with the same id changes nothing. */
  decisionId: string;
  actor: string;
  comment?: string;
}

export interface ResolveSignal {
  incidentId: string;
  decisionId: string;
  action: 'retry' | 'skip' | 'abort';
  actor: string;
  comment?: string;
}

export const signalNames = { approve: 'approve', reject: 'reject', resolve: 'resolve' } as const;
export const queryNames = { progress: 'progress' } as const;
export const workflowName = 'provision';

/** Where the API leaves work and the workers of the same installation fetch it. Whoever has another queue has other jobs, in the same Temporal, too. */
export const taskQueueFrom = ({ HSM_TASK_QUEUE }: Record<string, string | undefined>): string => HSM_TASK_QUEUE || 'hsm-provisioning';

/** What the workflow is started with. The workflow id is the target id. */
export interface ProvisionInput {
  request: import('./request.ts').ProvisioningRequest;
  requestedBy: string;
}

/** Search attributes, all Keyword except the last, which is Bool. */
export const searchAttributes = {
  state: 'ProvisioningState',
  phase: 'ProvisioningPhase',
  hsmName: 'HsmName',
  region: 'AzureRegion',
  awaitingApproval: 'AwaitingApproval',
} as const;
