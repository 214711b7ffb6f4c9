import { type Static, type TSchema, Type } from 'typebox';
import { type StepId, stepIds } from '../steps.ts';
import { hsmSeen, managerHolds } from './findings.ts';
import { problem } from './problem.ts';

/** A job as the workflow publishes it and the API shows it. `domain/progress.ts` derives its types from here. */

const time = Type.String({ format: 'date-time' });

/** `stuck` is never published by the job itself: the API finds it where the workflow’s code keeps failing. */
export const jobStates = ['running', 'awaiting-approval', 'incident', 'stuck', 'completed', 'rejected', 'aborted', 'cancelled', 'failed'] as const;
export const jobState = Type.Enum(jobStates);
export const stepState = Type.Enum(['pending', 'running', 'done', 'skipped', 'not-needed', 'failed', 'cancelled']);
export const incidentAction = Type.Enum(['retry', 'skip', 'abort']);
export const stepId = Type.Enum(stepIds);

export const stepView = Type.Object({
  state: stepState,
  startedAt: Type.Optional(time),
  finishedAt: Type.Optional(time),
  /** Polls do not count. */
  attempts: Type.Integer({ description: '1, and one more for every retry that a person ordered.' }),
  outcome: Type.Optional(
    Type.Enum(['unchanged', 'changed'], { description: 'Of a step that is done: did it act? changed, too, where that is not known, as after a lost attempt.' }),
  ),
});

const decided = { actor: Type.String(), comment: Type.Optional(Type.String()) };

export const incidentView = Type.Object({
  id: Type.String({ description: 'Ends with a piece of the run’s id: a decision counts for this run alone.' }),
  step: stepId,
  problem,
  /** What may be decided. */
  actions: Type.Array(incidentAction),
  openedAt: time,
  closedAt: Type.Optional(time),
  decision: Type.Optional(
    Type.Object({
      action: Type.String(),
      ...decided,
      amended: Type.Optional(Type.Array(Type.String(), { description: 'The fields of the request that changed with it; the decision of this job says how.' })),
    }),
  ),
});

/** What an approval is about. */
export const approvalSubject = Type.Object({
  /** What is asked, in one sentence. */
  question: Type.String(),
  /** What is lost by it. */
  loses: Type.String(),
  hsm: Type.Optional(Type.Object(hsmSeen.properties, { description: 'The HSM that would be zeroized.' })),
  manager: Type.Optional(Type.Object(managerHolds.properties, { description: 'The CipherTrust Manager that would be wiped.' })),
});

export const approvalView = Type.Object({
  id: Type.String({ description: 'Ends with a piece of the run’s id: a decision counts for this question of this run alone.' }),
  ...approvalSubject.properties,
  requestedBy: Type.String(),
  secondPerson: Type.Boolean({ description: 'Another person than the requester must decide.' }),
  remindedAt: Type.Optional(time),
  askedAt: time,
  deadline: time,
  closedAt: Type.Optional(time),
  outcome: Type.Optional(Type.Enum(['approved', 'rejected', 'expired', 'stale'])),
  decision: Type.Optional(Type.Object(decided)),
});

export const verdict = Type.Enum(['accepted', 'refused']);

/** A field of the request that a decision changed. */
export const amendedField = Type.Object({
  path: Type.String({ description: 'JSON pointer into the request.' }),
  before: Type.Optional(Type.String({ description: 'As JSON, cut where it is long; absent where the field was.' })),
  after: Type.Optional(Type.String({ description: 'Absent where the field was taken away.' })),
});

/** Every decision that arrived, refused ones included. */
export const decisionView = Type.Object({
  decisionId: Type.String(),
  kind: Type.Enum(['approve', 'reject', 'retry', 'skip', 'abort', 'invalid']),
  about: Type.String({ description: 'The approval or incident.' }),
  actor: Type.String(),
  comment: Type.Optional(Type.String()),
  at: time,
  verdict,
  reason: Type.Optional(Type.String({ description: 'Why it was refused.' })),
  changes: Type.Optional(Type.Array(amendedField, { description: 'What the decision changed in the request.' })),
});

export const storedReport = Type.Object({ json: Type.String(), markdown: Type.String() });

export const jobView = Type.Object({
  /** What a person must know first. What is open beside it stands below. */
  state: jobState,
  /** Goes up with every publication. */
  revision: Type.Integer(),
  startedAt: time,
  finishedAt: Type.Optional(time),
  requestedBy: Type.String(),
  hsmName: Type.String(),
  region: Type.String(),
  warnings: Type.Array(Type.String()),
  awaitingApproval: Type.Boolean({ description: 'An approval is open, whatever the state.' }),
  hasIncident: Type.Boolean({ description: 'An incident is open, whatever the state.' }),
  report: Type.Optional(Type.Object(storedReport.properties, { description: 'Where the report is stored; GET …/report gives it.' })),
  inventory: Type.Optional(Type.Array(Type.String(), { description: 'What exists after an abnormal end.' })),
});

/** One of these for each step of the catalog. The list of ids is no tuple, so the library cannot work out the type by itself. */
export const allSteps = <One extends TSchema>(one: One) => Type.Unsafe<Record<StepId, Static<One>>>(Type.Record(stepId, one));

export const progress = Type.Object({
  job: jobView,
  steps: allSteps(stepView),
  incidents: Type.Array(incidentView),
  approvals: Type.Array(approvalView),
  decisions: Type.Array(decisionView),
});
