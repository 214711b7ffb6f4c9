import type { ApprovalView, DecisionView, IncidentView, JobView, Progress, StepView } from '../domain/progress.ts';
import { type StepId, stepIds } from '../domain/steps.ts';

/** The memo keys: `job`, `step.{id}`, `incident-{n}-{of the run}`, `approve-{kind}-{n}-{of the run}`, `decision-{n}`. Beside them the API writes who asked and the request’s key at the start. */
export const memoKeys = {
  job: 'job',
  step: (id: string) => `step.${id}`,
  decision: (number: number) => `decision-${number}`,
} as const;

const patterns = { incident: /^incident-(\d+)-\w+$/, approval: /^approve-[a-z]+-(\d+)-\w+$/, decision: /^decision-(\d+)$/ };

const numbered = <View>(memo: Record<string, unknown>, pattern: RegExp): View[] =>
  Object.keys(memo)
    .flatMap((key) => {
      const [, number] = pattern.exec(key) ?? [];
      return number ? [{ number: Number(number), view: memo[key] as View }] : [];
    })
    .sort((a, b) => a.number - b.number)
    .map(({ view }) => view);

/** The progress that a job published; undefined before its first publication. */
export function progressFromMemo(memo: Record<string, unknown>): Progress | undefined {
  const job = memo[memoKeys.job] as JobView | undefined;
  if (!job) return undefined;
  const pending: StepView = { state: 'pending', attempts: 0 };
  return {
    job,
    steps: Object.fromEntries(stepIds.map((id) => [id, (memo[memoKeys.step(id)] as StepView | undefined) ?? pending])) as Record<StepId, StepView>,
    incidents: numbered<IncidentView>(memo, patterns.incident),
    approvals: numbered<ApprovalView>(memo, patterns.approval).sort((a, b) => a.askedAt.localeCompare(b.askedAt)),
    decisions: numbered<DecisionView>(memo, patterns.decision).sort((a, b) => a.at.localeCompare(b.at)),
  };
}
