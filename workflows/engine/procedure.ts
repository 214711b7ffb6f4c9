import type { AmendedField, StepStates } from '../../domain/amendments.ts';
import type { ApprovalSubject, ApprovalView, JobOverview, Progress, StoredReport } from '../../domain/progress.ts';
import type { Outcome } from '../../domain/report.ts';
import type { StepDefinition } from '../../domain/steps.ts';
import type { JobRunner } from './runner.ts';

/** The types that a procedure is made of. */
export interface ProcedureTypes {
  /** What a job is started with. */
  input: { requestedBy: string };
  /** What every step is told beside its own needs. */
  facts: object;
  /** The steps that activities of the same name carry out. `skippable` as in the catalog: it decides whether the result may be missing. */
  steps: Record<string, { needs: object; gives: unknown; skippable: boolean }>;
  /** The steps that wait for a person instead. */
  waits: string;
}

export type ActivityOf<T extends ProcedureTypes> = keyof T['steps'] & string;
export type StepOf<T extends ProcedureTypes> = ActivityOf<T> | T['waits'];
/** Steps that an operator may skip: whoever uses a result of theirs must do without it. */
export type SkippableOf<T extends ProcedureTypes> = { [Id in ActivityOf<T>]: T['steps'][Id]['skippable'] extends true ? Id : never }[ActivityOf<T>];
/** Steps that no job goes on without. */
export type RequiredOf<T extends ProcedureTypes> = Exclude<ActivityOf<T>, SkippableOf<T>>;
export type NeedsOf<T extends ProcedureTypes, Id extends ActivityOf<T>> = T['steps'][Id]['needs'];
export type GivesOf<T extends ProcedureTypes, Id extends ActivityOf<T>> = T['steps'][Id]['gives'];
export type ResultsOf<T extends ProcedureTypes> = { [Id in ActivityOf<T>]?: GivesOf<T, Id> };

/** What a person is asked to agree to. */
export interface Ask<Id extends string> extends ApprovalSubject {
  /** Part of the approval’s id: letters only. */
  kind: string;
  /** The fields of the job’s request that the question shows, as JSON pointers: a change of one makes an answer count for nothing. */
  shows: readonly string[];
  /** The step that is carried out under the answer. Once it runs, the answer is used. */
  allows: Id;
}

/** What becomes of a job’s input by an amendment. `reason`: every mistake at once, for people. */
export type AmendedInput<Input> = { ok: true; input: Input; changes: AmendedField[] } | { ok: false; reason: string };

/** How long a person has to answer, and who may. */
export interface ApprovalTerms {
  deadlineHours: number;
  /** Must it be another person than the requester? */
  secondPerson: boolean;
}

/** What is known at the end of a job, however it ends. */
export interface JobRecord<T extends ProcedureTypes> {
  outcome: Outcome;
  /** ISO 8601. */
  finishedAt: string;
  facts: T['facts'];
  progress: Progress<StepOf<T>>;
  results: ResultsOf<T>;
}

/**
 * What the engine must know about a kind of job. It carries out steps, publishes progress, asks people and ends the job, whatever the steps are: everything
 * about them stands here, in the catalog and in the procedure’s phases. Everything but `run` is a pure function.
 */
export interface Procedure<T extends ProcedureTypes> {
  /** As the search attribute says it. */
  name: string;
  /** Its part of the catalog, in order. */
  steps: Readonly<Record<StepOf<T>, StepDefinition>>;
  /** Titles of its sections. */
  phases: Readonly<Record<string, string>>;
  /** Every mistake of what a job was started with, in sentences. Where there is one, nothing is done. Must take anything: whoever starts a job may send it. */
  mistakes(input: unknown): string[];
  about(input: T['input']): Pick<JobOverview, 'hsmName' | 'region'>;
  /** Applies an amendment to what the job was started with; nothing else changes. Must take anything: whoever decides may send it. */
  amend(input: T['input'], amendment: unknown, states: StepStates<StepOf<T>>): AmendedInput<T['input']>;
  facts(input: T['input'], job: { target: string; runId: string }): T['facts'];
  approvalTerms(input: T['input']): ApprovalTerms;
  /** What an approval that counts is entered with, outside the workflow, before anything is done under it. */
  approvalEntry: {
    /** The activity that enters it. */
    activity: string;
    /** What that activity needs beside the facts. */
    of(approval: ApprovalView): object;
  };
  /** The work, section by section. Its last step stores the report, which it gives back. */
  run(job: JobRunner<T>): Promise<StoredReport>;
  /** For a job that ends before its last step. */
  earlyEnd: {
    /** The activity that lists what exists, one line a thing. */
    inventory: string;
    /** The last step. It is carried out here, too, but a failure of it asks nobody. */
    report: ActivityOf<T>;
    /** What that step needs. */
    draft(record: JobRecord<T>): object;
    /** What goes on by itself or stays open, and how to stop or close it. */
    remains(record: JobRecord<T>): string[];
  };
}
