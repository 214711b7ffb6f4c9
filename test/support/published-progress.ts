import assert from 'node:assert/strict';
import type { JobOverview, Progress } from '../../domain/progress.ts';
import { readProgress } from '../../temporal/read-progress.ts';

const nobody: JobOverview = {
  state: 'running',
  revision: 0,
  startedAt: new Date(0).toISOString(),
  requestedBy: '',
  hsmName: '',
  region: '',
  warnings: [],
  awaitingApproval: false,
  hasIncident: false,
};

/** What a job published, as the API reads it: all of it can be read. */
export function publishedProgress(memo: Record<string, unknown> | undefined): Progress | undefined {
  const { progress, unreadable } = readProgress(memo ?? {}, nobody);
  assert.deepEqual(unreadable, []);
  return progress;
}
