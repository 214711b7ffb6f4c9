import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { detailsOf } from '../domain/details.ts';
import {
  type ApprovalView,
  currentPhase,
  type DecisionView,
  type IncidentView,
  type JobView,
  memoKeys,
  type Progress,
  type StepView,
  shownState,
} from '../domain/progress.ts';
import { type StepId, stepIds } from '../domain/steps.ts';
import { searchAttributes } from '../temporal/contract.ts';

const keys = {
  state: defineSearchAttributeKey(searchAttributes.state.name, searchAttributes.state.type),
  phase: defineSearchAttributeKey(searchAttributes.phase.name, searchAttributes.phase.type),
  awaitingApproval: defineSearchAttributeKey(searchAttributes.awaitingApproval.name, searchAttributes.awaitingApproval.type),
};

/** At most so many decisions are kept: a flood of them must not fill the memo. Then the oldest refused one gives way, since an accepted one is evidence. */
const maximumDecisions = 100;

/** The job's progress, and its publication: one memo key per thing, only what changed, coalesced per activation. */
export class Board {
  readonly progress: Progress;
  readonly #changed = new Map<string, unknown>();
  #published = { state: '', phase: '', awaitingApproval: false };

  constructor(job: Omit<JobView, 'state' | 'revision' | 'warnings'>) {
    this.progress = {
      job: { ...job, state: 'running', revision: 0, warnings: [] },
      steps: Object.fromEntries(stepIds.map((id) => [id, { state: 'pending', attempts: 0 } satisfies StepView])) as Progress['steps'],
      incidents: [],
      approvals: [],
      decisions: [],
    };
    this.job({});
  }

  job(change: Partial<JobView>): void {
    this.progress.job = { ...this.progress.job, ...change };
    this.#changed.set(memoKeys.job, undefined);
  }

  step(id: StepId, change: Partial<StepView>): void {
    const { finishedAt, ...before } = this.progress.steps[id];
    // A step that is begun again is not finished.
    this.progress.steps[id] = { ...before, ...(finishedAt && change.state !== 'running' ? { finishedAt } : {}), ...change };
    this.#changed.set(memoKeys.step(id), this.progress.steps[id]);
    this.job({});
  }

  incident(view: IncidentView): void {
    this.#put(this.progress.incidents, view);
  }

  approval(view: ApprovalView): void {
    this.#put(this.progress.approvals, view);
  }

  decision(view: DecisionView): void {
    const { decisions } = this.progress;
    const place = decisions.length < maximumDecisions ? decisions.length : this.#leastWorthKeeping();
    decisions[place] = view;
    this.#changed.set(`decision-${place + 1}`, view);
    this.job({});
  }

  #leastWorthKeeping(): number {
    const { decisions } = this.progress;
    const oldest = (of: DecisionView[]) => decisions.indexOf(of.reduce((least, view) => (view.at < least.at ? view : least)));
    const refused = decisions.filter(({ verdict }) => verdict === 'refused');
    return oldest(refused.length > 0 ? refused : decisions);
  }

  get hasNews(): boolean {
    return this.#changed.size > 0;
  }

  publish(): void {
    if (!this.hasNews) return;
    this.job({ state: shownState(this.progress), revision: this.progress.job.revision + 1 });
    this.#changed.set(memoKeys.job, this.progress.job);
    upsertMemo(Object.fromEntries(this.#changed));
    this.#changed.clear();
    this.#publishSearchAttributes();
    setCurrentDetails(detailsOf(this.progress));
  }

  #publishSearchAttributes(): void {
    const now = { state: this.progress.job.state, phase: currentPhase(this.progress), awaitingApproval: this.progress.job.state === 'awaiting-approval' };
    const updates = [
      ...(now.state === this.#published.state ? [] : [{ key: keys.state, value: now.state }]),
      ...(now.phase === this.#published.phase ? [] : [{ key: keys.phase, value: now.phase }]),
      ...(now.awaitingApproval === this.#published.awaitingApproval ? [] : [{ key: keys.awaitingApproval, value: now.awaitingApproval }]),
    ];
    if (updates.length > 0) upsertSearchAttributes(updates);
    this.#published = now;
  }

  #put<View extends { id: string }>(list: View[], view: View): void {
    const at = list.findIndex(({ id }) => id === view.id);
    if (at < 0) list.push(view);
    else list[at] = view;
    this.#changed.set(view.id, view);
    this.job({});
  }
}
