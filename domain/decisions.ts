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
  /** With `retry` alone: new values for fields of the request that no step has used yet, `Amendment`. Anybody may send anything: it is judged. */
  amendment?: unknown;
}
