import type { Entry } from './events.ts';

/**
 * Was the approval used for an act that was begun? Its use is entered before the act's own entry: one whose act was never entered allows another try. Ids of
 * approvals begin again with each run.
 */
export const isSpent = (
  entries: readonly Entry<'approvals'>[],
  { runId, approvalId }: { runId: string; approvalId: string },
  wasBegun: (act: string) => boolean,
): boolean =>
  entries.some((entry) => entry.event === 'approval-used' && entry.runId === runId && entry.data.approvalId === approvalId && wasBegun(entry.data.act ?? ''));
