import assert from 'node:assert/strict';
import type { Problem } from '../../domain/failure.ts';

/** Any step’s decision. */
export type Decided = {
  kind: string;
  change?: string;
  proof?: string;
  problem?: Pick<Problem, 'kind' | 'code' | 'tried' | 'summary' | 'evidence' | 'remedy'>;
  result?: unknown;
  why?: string;
};

/** A decision in short: what it is, and which act or which kind of problem. */
export const short = (decision: Decided): string => [decision.kind, decision.change ?? decision.proof ?? decision.problem?.kind].filter(Boolean).join(' ');

export type Row = [situation: string, decision: Decided, expected: string];

/** A decision table: one test a row. */
export const table = (title: string, rows: Row[]) =>
  describe(title, () => {
    for (const [situation, decision, expected] of rows) it(`${situation}: ${expected}`, () => assert.equal(short(decision), expected));
  });
