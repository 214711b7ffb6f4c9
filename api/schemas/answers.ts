import { type TSchema, Type } from 'typebox';
import { phases, stepIds } from '../../domain/steps.ts';

/** Schemas of what goes out, for people and for generated clients: they describe and never cut. Each one is named in the OpenAPI text. */

const time = Type.String({ format: 'date-time' });
const links = Type.Record(Type.String(), Type.String());
export const everyState = ['running', 'awaiting-approval', 'incident', 'stuck', 'completed', 'rejected', 'aborted', 'cancelled', 'failed'] as const;
const states = Type.Enum(everyState);
const refTo = (id: string): TSchema => Type.Unsafe({ $ref: `${id}#` });

const Workers = Type.Object(
  {
    count: Type.Integer({ description: 'Workers that poll for workflows and for activities.' }),
    since: Type.Optional(
      Type.String({ format: 'date-time', description: 'Where there is none: when the last one was seen, or when this API started if it knows of none.' }),
    ),
    detail: Type.Optional(Type.String()),
  },
  { $id: 'Workers', description: 'The workers of this installation, as Temporal saw them; in a job only while it is not over and there is none.' },
);

const Ready = Type.Object(
  { status: Type.String(), workers: Type.Optional(refTo('Workers')) },
  { $id: 'Ready', description: 'Temporal answers. Without workers: Temporal does not tell who polls.' },
);

const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    errors: Type.Optional(
      Type.Array(Type.Object({ pointer: Type.String({ description: 'JSON pointer into what was sent.' }), detail: Type.String() }), {
        description: 'All mistakes at once.',
      }),
    ),
    job: Type.Optional(Type.String({ description: 'The job that it is about.' })),
    decision: Type.Optional(refTo('Decision')),
    command: Type.Optional(Type.String({ description: 'The command that fixes it, where one does.' })),
    requestId: Type.Optional(Type.String({ description: 'With a status of 500 or above: the id under which the API’s log holds the cause.' })),
  },
  { $id: 'Problem', description: 'An answer that is no success (RFC 9457).' },
);

const effect = Type.Enum(['Create', 'NoChange', 'Modify']);
const Plan = Type.Object(
  {
    summary: Type.String(),
    creates: Type.Array(Type.Object({ kind: Type.String(), name: Type.String(), detail: Type.String() })),
    steps: Type.Array(
      Type.Object({
        id: Type.Enum([...stepIds]),
        title: Type.String(),
        phase: Type.Enum(Object.keys(phases)),
        usualMinutes: Type.Number(),
        critical: Type.Boolean(),
      }),
    ),
    criticalPath: Type.Array(Type.String()),
    estimateMinutes: Type.Integer({ description: 'Along the critical path; the wait for a person is not in it.' }),
    destroys: Type.Array(Type.String()),
    warnings: Type.Array(Type.String()),
    whatIf: Type.Optional(
      Type.Object(
        {
          changes: Type.Array(Type.Object({ kind: Type.String(), name: Type.String(), effect, detail: Type.Optional(Type.String()) })),
          problems: Type.Array(Type.String(), {
            description:
              'What a job would stop at, or wait for Microsoft to decide, in Azure as things are now: access to Dedicated HSM, sizes, images and terms (where the resource providers are registered), network, deployment (checked by Azure where the network is there), machines. What HSM and key manager would say is not asked.',
          }),
        },
        { description: 'With whatIf=true: what is there already.' },
      ),
    ),
  },
  { $id: 'Plan' },
);

const Started = Type.Object(
  {
    id: Type.String(),
    runId: Type.String(),
    state: Type.Enum(everyState, { description: 'Of the job that the key belongs to: one that is over is not started again. A new key starts a new one.' }),
    estimateMinutes: Type.Integer(),
    warnings: Type.Array(Type.String()),
    links,
  },
  { $id: 'Started' },
);

const JobList = Type.Object(
  {
    jobs: Type.Array(
      Type.Object({
        id: Type.String(),
        runId: Type.String(),
        state: states,
        awaitingApproval: Type.Boolean({ description: 'An approval is open, whatever the state names.' }),
        hasIncident: Type.Boolean({ description: 'An incident is open, whatever the state names.' }),
        hsmName: Type.Optional(Type.String()),
        requestedBy: Type.Optional(Type.String()),
        startedAt: time,
        finishedAt: Type.Optional(time),
        workers: Type.Optional(refTo('Workers')),
        link: Type.String(),
      }),
    ),
  },
  { $id: 'JobList' },
);

const step = Type.Object({
  state: Type.Enum(['pending', 'running', 'done', 'skipped', 'not-needed', 'failed', 'cancelled']),
  title: Type.String(),
  phase: Type.String(),
  attempts: Type.Integer({ description: '1, and one more for every retry that a person ordered.' }),
  outcome: Type.Optional(
    Type.Enum(['unchanged', 'changed'], { description: 'Of a step that is done: did it act? changed, too, where that is not known, as after a lost attempt.' }),
  ),
  startedAt: Type.Optional(time),
  finishedAt: Type.Optional(time),
  detail: Type.Optional(Type.String({ description: 'What the system itself says while the step waits.' })),
});
const decision = { actor: Type.String(), comment: Type.Optional(Type.String()) };

const Decision = Type.Object(
  {
    decisionId: Type.String(),
    kind: Type.Enum(['approve', 'reject', 'retry', 'skip', 'abort', 'invalid']),
    about: Type.String({ description: 'The approval or incident.' }),
    actor: Type.String(),
    comment: Type.Optional(Type.String()),
    at: time,
    verdict: Type.Enum(['accepted', 'refused']),
    reason: Type.Optional(Type.String({ description: 'Why it was refused.' })),
    changes: Type.Optional(
      Type.Array(
        Type.Object({
          path: Type.String({ description: 'JSON pointer into the request.' }),
          before: Type.Optional(Type.String({ description: 'As JSON, cut where it is long; absent where the field was.' })),
          after: Type.Optional(Type.String({ description: 'Absent where the field was taken away.' })),
        }),
        { description: 'What the decision changed in the request.' },
      ),
    ),
  },
  { $id: 'Decision' },
);

const PendingDecision = Type.Object(
  {
    decisionId: Type.String({ description: 'The Idempotency-Key of the decision: with it the job shows the verdict later.' }),
    verdict: Type.Literal('pending'),
    detail: Type.String(),
    links,
  },
  { $id: 'PendingDecision', description: 'A decision that no worker has judged yet.' },
);

const hsm = Type.Object(
  {
    serial: Type.String(),
    label: Type.String(),
    firmware: Type.String(),
    software: Type.String(),
    zeroized: Type.Boolean(),
    fips: Type.Boolean(),
    soAttemptsLeft: Type.Integer(),
    partitions: Type.Array(Type.Object({ serial: Type.String(), name: Type.String(), objects: Type.Integer(), usedBytes: Type.Integer() })),
    bytesInUse: Type.Integer(),
    digest: Type.String(),
  },
  { description: 'The HSM that would be zeroized.' },
);
const names = Type.Array(Type.String());
const manager = Type.Object(
  {
    name: Type.String(),
    address: Type.String(),
    version: Type.String(),
    users: names,
    keys: Type.Optional(Type.Integer()),
    keysRead: Type.Optional(Type.Integer({ description: 'How many keys were read one by one, where those were not all.' })),
    domains: names,
    hsms: names,
    clustered: Type.Optional(Type.Boolean()),
    untold: Type.Array(Type.String(), { description: 'What it does not tell of.' }),
    digest: Type.String(),
  },
  { description: 'The CipherTrust Manager that would be wiped.' },
);

const Job = Type.Object(
  {
    id: Type.String(),
    runId: Type.String(),
    percent: Type.Integer({ minimum: 0, maximum: 100 }),
    job: Type.Object({
      state: states,
      revision: Type.Integer(),
      startedAt: time,
      finishedAt: Type.Optional(time),
      requestedBy: Type.String(),
      hsmName: Type.String(),
      region: Type.String(),
      warnings: Type.Array(Type.String()),
      awaitingApproval: Type.Boolean({ description: 'An approval is open, whatever the state.' }),
      hasIncident: Type.Boolean({ description: 'An incident is open, whatever the state.' }),
      report: Type.Optional(
        Type.Object({ json: Type.String(), markdown: Type.String() }, { description: 'Where the report is stored; GET …/report gives it.' }),
      ),
      inventory: Type.Optional(Type.Array(Type.String(), { description: 'What exists after an abnormal end.' })),
    }),
    stuck: Type.Optional(
      Type.Object(
        {
          attempts: Type.Integer({ description: 'How often the same piece of the workflow was tried in a row.' }),
          since: Type.Optional(time),
          cause: Type.String({ description: 'What the workflow’s code fails with, as Temporal recorded it.' }),
        },
        { description: 'The job’s own code keeps failing. It goes on once a fixed worker runs; decisions are kept until then.' },
      ),
    ),
    steps: Type.Object(Object.fromEntries(stepIds.map((id) => [id, step]))),
    incidents: Type.Array(
      Type.Object({
        id: Type.String({ description: 'Ends with a piece of the run’s id: a decision counts for this run alone.' }),
        step: Type.String(),
        problem: Type.Object({
          kind: Type.String(),
          tried: Type.String(),
          seen: Type.String(),
          source: Type.String(),
          remedy: Type.String(),
          retryAfterMs: Type.Optional(Type.Integer({ description: 'When the system asked to be asked again.' })),
        }),
        actions: Type.Array(Type.Enum(['retry', 'skip', 'abort'])),
        openedAt: time,
        closedAt: Type.Optional(time),
        decision: Type.Optional(
          Type.Object({
            action: Type.String(),
            ...decision,
            amended: Type.Optional(
              Type.Array(Type.String(), { description: 'The fields of the request that changed with it; the decision of this job says how.' }),
            ),
          }),
        ),
      }),
    ),
    approvals: Type.Array(
      Type.Object({
        id: Type.String({ description: 'Ends with a piece of the run’s id: a decision counts for this question of this run alone.' }),
        question: Type.String(),
        loses: Type.String(),
        hsm: Type.Optional(hsm),
        manager: Type.Optional(manager),
        requestedBy: Type.String(),
        secondPerson: Type.Boolean({ description: 'Another person than the requester must decide.' }),
        remindedAt: Type.Optional(time),
        askedAt: time,
        deadline: time,
        closedAt: Type.Optional(time),
        outcome: Type.Optional(Type.Enum(['approved', 'rejected', 'expired', 'stale'])),
        decision: Type.Optional(Type.Object(decision)),
      }),
    ),
    decisions: Type.Array(refTo('Decision')),
    workers: Type.Optional(refTo('Workers')),
    links,
  },
  { $id: 'Job' },
);

const Cancelling = Type.Object({ id: Type.String(), links }, { $id: 'Cancelling' });

export const ReadyAnswer = refTo('Ready');
export const answerSchemas = [Workers, Ready, Problem, Plan, Started, JobList, Decision, PendingDecision, Job, Cancelling];
export const [PlanAnswer, StartedAnswer, JobListAnswer, DecisionAnswer, PendingDecisionAnswer, JobAnswer, CancellingAnswer] = [
  'Plan',
  'Started',
  'JobList',
  'Decision',
  'PendingDecision',
  'Job',
  'Cancelling',
].map(refTo) as [TSchema, TSchema, TSchema, TSchema, TSchema, TSchema, TSchema];

const reasons: Record<number, string> = {
  400: 'The request does not have the right shape',
  401: 'Not signed in',
  403: 'Not allowed for this role',
  404: 'There is no such job',
  409: 'Not now: the target is busy, the job is over, or the decision was refused',
  422: 'The request cannot be carried out, or the key was used before',
  502: 'Azure could not be read',
  503: 'Temporal, or a worker, does not answer',
};

/** The answers of a route: its successes, and the problems that every route has (400, 401, 403), with those of its own. */
export const answers = (successes: Record<number, TSchema>, ...problems: number[]) => ({
  ...Object.fromEntries(Object.entries(successes).map(([status, schema]) => [status, { description: 'Done', content: { 'application/json': { schema } } }])),
  ...Object.fromEntries(
    [400, 401, 403, ...problems].map((status) => [
      status,
      { description: reasons[status], content: { 'application/problem+json': { schema: refTo('Problem') } } },
    ]),
  ),
  default: { description: 'Any other problem, such as 405, 413, 415 or 500', content: { 'application/problem+json': { schema: refTo('Problem') } } },
});

const described = (media: string, schema: TSchema) => ({ [media]: { schema } });
/** Each event is named `job`, its id is the job’s revision, its data the job as JSON. Comments keep a silent stream alive. The stream ends when the job is over. */
export const eventAnswers = {
  ...answers({}, 404, 503),
  204: { description: 'The job is over, and Last-Event-ID is its last revision: there is nothing more to come' },
  200: {
    description: 'Events named job, until the job is over; the id is the job’s revision, the data a Job',
    content: described('text/event-stream', Type.String()),
  },
};
export const reportAnswers = {
  ...answers({}, 404, 503),
  200: {
    description: 'The newest run’s report',
    content: {
      ...described('application/json', Type.Object({ target: Type.String(), runId: Type.String(), outcome: Type.String() }, { additionalProperties: true })),
      ...described('text/markdown', Type.String()),
    },
  },
};
