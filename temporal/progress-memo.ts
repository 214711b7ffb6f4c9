/**
 * The memo keys: `job`, `step.{id}`, `incident-{n}-{of the run}`, `approve-{kind}-{n}-{of the run}`, `decision-{n}`. Beside them the API writes who asked and
 * the request’s key at the start. Safe inside workflows; `read-progress.ts`, which reads them, is not.
 */
export const memoKeys = {
  job: 'job',
  step: (id: string) => `step.${id}`,
  decision: (number: number) => `decision-${number}`,
} as const;

/** What the keys of a kind look like; the group is the number. */
export const memoPatterns = { incident: /^incident-(\d+)-\w+$/, approval: /^approve-[a-z]+-(\d+)-\w+$/, decision: /^decision-(\d+)$/ } as const;
