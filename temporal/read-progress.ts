import { type Static, type TObject, type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type JobOverview, type Progress, pendingSteps, type StepView } from '../domain/progress.ts';
import { approvalView, decisionView, incidentView, jobView, stepView } from '../domain/schemas/progress.ts';
import { inspect } from '../domain/shape.ts';
import { stepIds } from '../domain/steps.ts';
import { memoKeys, memoPatterns } from './progress-memo.ts';

/** What a memo key holds and this version does not understand. */
export interface UnreadableKey {
  key: string;
  /** Where in it, and why, in one sentence. */
  detail: string;
}

export interface PublishedProgress {
  /** Undefined before the first publication. What could not be read is left out: a step is shown as pending, the rest not at all. */
  progress?: Progress;
  unreadable: UnreadableKey[];
}

type Memo = Readonly<Record<string, unknown>>;

/** The values of a memo that fit their schemas, and a note on each that does not. */
class MemoReader {
  readonly unreadable: UnreadableKey[] = [];
  readonly #memo: Memo;

  constructor(memo: Memo) {
    this.#memo = memo;
  }

  value<Schema extends TSchema>(key: string, schema: Schema): Static<Schema> | undefined {
    const value = this.#memo[key];
    if (value === undefined) return undefined;
    if (Value.Check(schema, value)) return value;
    this.#note(key, schema, value);
    return undefined;
  }

  /** The values of all keys of a pattern, by their number. */
  numbered<Schema extends TSchema>(pattern: RegExp, schema: Schema): Static<Schema>[] {
    return Object.keys(this.#memo)
      .flatMap((key) => {
        const [, number] = pattern.exec(key) ?? [];
        return number ? [{ key, number: Number(number) }] : [];
      })
      .sort((a, b) => a.number - b.number)
      .flatMap(({ key }) => this.value(key, schema) ?? []);
  }

  /** As much of an object as fits, over what stands for the rest. */
  fields<Schema extends TObject>(key: string, schema: Schema, substitute: Static<Schema>): Static<Schema> {
    const value = this.#memo[key];
    if (Value.Check(schema, value)) return value;
    this.#note(key, schema, value);
    if (typeof value !== 'object' || value === null) return substitute;
    const readable = Object.entries(value).filter(([name, field]) => {
      const known = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      return known && Value.Check(known, field);
    });
    const pieced: unknown = { ...Object(substitute), ...Object.fromEntries(readable) };
    return Value.Check(schema, pieced) ? pieced : substitute;
  }

  #note(key: string, schema: TSchema, value: unknown): void {
    const [first] = inspect(schema, value, Value.Check).mistakes;
    const why = first ? `${first.path || '/'}: ${first.message}` : 'it has another shape.';
    this.unreadable.push({ key, detail: `The job’s memo cannot be read by this version: ${key}: ${why}` });
  }
}

/** The progress that a job published. `substitute` stands for what cannot be read of the job itself. */
export function readProgress(memo: Memo, substitute: JobOverview): PublishedProgress {
  if (memo[memoKeys.job] === undefined) return { unreadable: [] };
  const reader = new MemoReader(memo);
  const steps: Progress['steps'] = pendingSteps(stepIds);
  const job = reader.fields(memoKeys.job, jobView, substitute);
  for (const id of stepIds) {
    const view: StepView | undefined = reader.value(memoKeys.step(id), stepView);
    if (view) steps[id] = view;
  }
  const progress = {
    job,
    steps,
    incidents: reader.numbered(memoPatterns.incident, incidentView),
    approvals: reader.numbered(memoPatterns.approval, approvalView).sort((a, b) => a.askedAt.localeCompare(b.askedAt)),
    decisions: reader.numbered(memoPatterns.decision, decisionView).sort((a, b) => a.at.localeCompare(b.at)),
  };
  return { progress, unreadable: reader.unreadable };
}

/** What the API writes beside it when it starts a job. */
export const startMemo = Type.Object({
  idempotencyKey: Type.Optional(Type.String()),
  bodyHash: Type.Optional(Type.String()),
  requestedBy: Type.Optional(Type.String()),
  hsmName: Type.Optional(Type.String()),
  region: Type.Optional(Type.String()),
});
export type StartMemo = Static<typeof startMemo>;

/** As much of it as is there: a job that was started around the API has none. */
export function readStartMemo(memo: Memo = {}): StartMemo {
  const readable = Object.entries(memo).filter(([name, value]) => Object.hasOwn(startMemo.properties, name) && typeof value === 'string');
  const read: unknown = Object.fromEntries(readable);
  return Value.Check(startMemo, read) ? read : {};
}
