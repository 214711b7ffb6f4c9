import type { DataOf, Entry } from './events.ts';

/** Did a person approve just this, as the record knows? Ids of approvals end with a piece of the run's id, so that no other run's counts. */
export const isGranted = (entries: readonly Entry<'approvals'>[], wanted: Pick<DataOf<'approvals', 'approval-granted'>, 'approvalId' | 'digest'>): boolean =>
  entries.some(({ event, data }) => event === 'approval-granted' && data.approvalId === wanted.approvalId && data.digest === wanted.digest);

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
