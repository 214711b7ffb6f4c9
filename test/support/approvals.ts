import type { Records } from '../../stores/record/record.ts';

/** A person approved this, and the engine entered it: what a step is given then. */
export async function granted(
  records: Records,
  { target, runId }: { target: string; runId: string },
  approvalId: string,
  digest: string,
): Promise<{ approvalId: string; approvedDigest: string }> {
  const approvals = records.of(target, 'approvals', { jobId: target, runId, execution: 'grant', attempt: 1, retry: 1 });
  await approvals.read();
  await approvals.append('approval-granted', { approvalId, digest, actor: 'anna' });
  return { approvalId, approvedDigest: digest };
}
