import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common';
import { setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { detailsOf, type Outline } from '../../domain/current-details.ts';
import {
  type ApprovalView,
  currentPhase,
  type DecisionView,
  type IncidentView,
  isOver,
  type JobOverview,
  openApproval,
  openIncidents,
  type Progress,
  pendingSteps,
  type StepView,
  shownState,
} from '../../domain/progress.ts';
import { idsOf } from '../../domain/steps.ts';
import { searchAttributes } from '../../temporal/contract.ts';
import { memoKeys } from '../../temporal/progress-memo.ts';
import { ignoringBugs } from './failures.ts';

type KeywordName = {
  [Name in keyof typeof searchAttributes]: (typeof searchAttributes)[Name]['type'] extends 'KEYWORD' ? Name : never;
}[keyof typeof searchAttributes];
type FlagName = Exclude<keyof typeof searchAttributes, KeywordName>;

/** At most so many decisions are kept: a flood of them must not fill the memo. Then the oldest refused one gives way, since an accepted one is evidence. */
const maximumDecisions = 100;
/** A longer keyword is refused by Temporal, and the workflow task with it (docs/reference/temporal.md#keyword-length). */
const longestKeyword = 200;

/** What a job is, from its beginning on. */
export type JobAtStart = Omit<JobOverview, 'state' | 'revision' | 'warnings' | 'awaitingApproval' | 'hasIncident'>;

/** The job’s progress, and its publication: one memo key per thing, only what changed, coalesced per activation. */
export class ProgressPublisher<Id extends string> {
  readonly progress: Progress<Id>;
  readonly #procedure: string;
  readonly #outline: Outline<Id>;
  readonly #changed = new Map<string, unknown>();

  constructor(procedure: string, outline: Outline<Id>, job: JobAtStart) {
    this.#procedure = procedure;
    this.#outline = outline;
    this.progress = {
      job: { ...job, state: 'running', revision: 0, warnings: [], awaitingApproval: false, hasIncident: false },
      steps: pendingSteps(idsOf(outline.steps)),
      incidents: [],
      approvals: [],
      decisions: [],
    };
    this.job({});
  }

  job(change: Partial<JobOverview>): void {
    this.progress.job = { ...this.progress.job, ...change };
    this.#changed.set(memoKeys.job, undefined);
  }

  warn(warnings: string[]): void {
    if (warnings.length > 0) this.job({ warnings: [...this.progress.job.warnings, ...warnings] });
  }

  step(id: Id, change: Partial<StepView>): void {
    const { finishedAt, ...before } = this.progress.steps[id];
    // A step that is begun again is not finished.
    this.progress.steps[id] = { ...before, ...(finishedAt && change.state !== 'running' ? { finishedAt } : {}), ...change };
    this.#changed.set(memoKeys.step(id), this.progress.steps[id]);
    this.job({});
  }

  incident(view: IncidentView<Id>): void {
    this.#put(this.progress.incidents, view);
  }

  approval(view: ApprovalView): void {
    this.#put(this.progress.approvals, view);
  }

  decision(view: DecisionView): void {
    const { decisions } = this.progress;
    const place = decisions.length < maximumDecisions ? decisions.length : this.#leastWorthKeeping();
    decisions[place] = view;
    this.#changed.set(memoKeys.decision(place + 1), view);
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
    this.#nextRevision();
    upsertMemo(Object.fromEntries(this.#changed));
    this.#changed.clear();
    this.#publishSearchAttributes();
    this.#publishDetails();
  }

  /** At the end of a job: where a bug of the publication itself is in the way, as much of it as works. */
  publishWhatWorks(): void {
    ignoringBugs(() => this.publish());
    if (!this.hasNews) return;
    this.#nextRevision();
    for (const [key, value] of this.#changed) ignoringBugs(() => upsertMemo({ [key]: value }));
    this.#changed.clear();
    ignoringBugs(() => this.#publishSearchAttributes());
    ignoringBugs(() => this.#publishDetails());
  }

  #nextRevision(): void {
    const { progress } = this;
    this.job({
      state: shownState(progress),
      revision: progress.job.revision + 1,
      awaitingApproval: openApproval(progress) !== undefined,
      hasIncident: openIncidents(progress).length > 0,
    });
    this.#changed.set(memoKeys.job, progress.job);
  }

  /** Each is a fact of its own: an open approval is found whatever state is shown. Who starts a job may have set some already: only what differs is sent. */
  #publishSearchAttributes(): void {
    const { state, requestedBy, awaitingApproval, hasIncident } = this.progress.job;
    const updates = [
      ...keyword('state', state),
      ...keyword('phase', currentPhase(this.progress, this.#outline.steps)),
      ...keyword('procedure', this.#procedure),
      ...keyword('requestedBy', requestedBy),
      ...(isOver(state) ? keyword('outcome', state) : []),
      ...flag('awaitingApproval', awaitingApproval),
      ...flag('hasIncident', hasIncident),
    ];
    if (updates.length > 0) upsertSearchAttributes(updates);
  }

  #publishDetails(): void {
    setCurrentDetails(detailsOf(this.progress, this.#outline));
  }

  #put<View extends { id: string }>(list: View[], view: View): void {
    const at = list.findIndex(({ id }) => id === view.id);
    if (at < 0) list.push(view);
    else list[at] = view;
    this.#changed.set(view.id, view);
    this.job({});
  }
}

function keyword(of: KeywordName, text: string): SearchAttributeUpdatePair[] {
  const key = defineSearchAttributeKey(searchAttributes[of].name, searchAttributes[of].type);
  const value = text.slice(0, longestKeyword);
  return workflowInfo().typedSearchAttributes.get(key) === value ? [] : [{ key, value }];
}

/** Absent counts as false: nothing is sent until it is true for the first time. */
function flag(of: FlagName, value: boolean): SearchAttributeUpdatePair[] {
  const key = defineSearchAttributeKey(searchAttributes[of].name, searchAttributes[of].type);
  return (workflowInfo().typedSearchAttributes.get(key) ?? false) === value ? [] : [{ key, value }];
}
