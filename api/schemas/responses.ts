import { type Static, type TSchema, Type } from 'typebox';
import { plan, whatIf } from '../../domain/schemas/plan.ts';
import { allSteps, decisionView, jobState, jobStates, jobView, progress, stepView } from '../../domain/schemas/progress.ts';

/**
 * Schemas of what goes out, for people and for generated clients: they describe and never cut. Each one is named in the OpenAPI text. What a job publishes is
 * said once, in domain/schemas; here is what the API adds.
 */

const time = Type.String({ format: 'date-time' });
const links = Type.Record(Type.String(), Type.String());
/** Stands for a schema of this list by its name. */
const refTo = <Named extends TSchema>({ $id }: Named & { $id?: string }) => Type.Unsafe<Static<Named>>({ $ref: `${$id}#` });

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
  { status: Type.String(), workers: Type.Optional(refTo(Workers)) },
  { $id: 'Ready', description: 'Temporal answers. Without workers: Temporal does not tell who polls.' },
);

const Decision = Type.Object(decisionView.properties, { $id: 'Decision' });

const HttpProblem = Type.Object(
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
    decision: Type.Optional(refTo(Decision)),
    command: Type.Optional(Type.String({ description: 'The command that fixes it, where one does.' })),
    requestId: Type.Optional(Type.String({ description: 'With a status of 500 or above: the id under which the API’s log holds the cause.' })),
  },
  { $id: 'HttpProblem', description: 'An error response (RFC 9457).' },
);

const Plan = Type.Object({ ...plan.properties, whatIf: Type.Optional(whatIf) }, { $id: 'Plan' });

const Started = Type.Object(
  {
    id: Type.String(),
    runId: Type.String(),
    state: Type.Enum(jobStates, {
      description: 'The state of the job that the key belongs to. A job that has ended is not started again; a new key starts a new job.',
    }),
    estimateMinutes: plan.properties.estimateMinutes,
    warnings: plan.properties.warnings,
    links,
  },
  { $id: 'Started' },
);

const unreadable = Type.Array(Type.Object({ key: Type.String(), detail: Type.String() }), {
  description: 'What the job published and this version of the API cannot read, by its memo key; the rest is shown. Upgrade the API.',
});

const JobList = Type.Object(
  {
    jobs: Type.Array(
      Type.Object({
        id: Type.String(),
        runId: Type.String(),
        state: jobState,
        awaitingApproval: jobView.properties.awaitingApproval,
        hasIncident: jobView.properties.hasIncident,
        hsmName: Type.Optional(jobView.properties.hsmName),
        requestedBy: Type.Optional(jobView.properties.requestedBy),
        startedAt: jobView.properties.startedAt,
        finishedAt: jobView.properties.finishedAt,
        unreadable: Type.Optional(unreadable),
        workers: Type.Optional(refTo(Workers)),
        link: Type.String(),
      }),
    ),
  },
  { $id: 'JobList' },
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

const ShownStep = Type.Object({
  ...stepView.properties,
  title: Type.String(),
  phase: Type.String(),
  detail: Type.Optional(Type.String({ description: 'What the system itself says while the step waits.' })),
});

const Stuck = Type.Object(
  {
    attempts: Type.Integer({ description: 'How often the same piece of the workflow was tried in a row.' }),
    since: Type.Optional(time),
    cause: Type.String({ description: 'What the workflow’s code fails with, as Temporal recorded it.' }),
  },
  { description: 'The job’s workflow code keeps failing. The job continues once a fixed worker runs; decisions are stored until then.' },
);

const Job = Type.Object(
  {
    id: Type.String(),
    runId: Type.String(),
    percent: Type.Integer({ minimum: 0, maximum: 100 }),
    ...progress.properties,
    steps: allSteps(ShownStep),
    decisions: Type.Array(refTo(Decision)),
    stuck: Type.Optional(Stuck),
    unreadable: Type.Optional(unreadable),
    workers: Type.Optional(refTo(Workers)),
    links,
  },
  { $id: 'Job' },
);

const Cancelling = Type.Object({ id: Type.String(), links }, { $id: 'Cancelling' });

export const answerSchemas = [Workers, Ready, Decision, HttpProblem, Plan, Started, JobList, PendingDecision, Job, Cancelling];
export const ReadyAnswer = refTo(Ready);
export const PlanAnswer = refTo(Plan);
export const StartedAnswer = refTo(Started);
export const JobListAnswer = refTo(JobList);
export const DecisionAnswer = refTo(Decision);
export const PendingDecisionAnswer = refTo(PendingDecision);
export const JobAnswer = refTo(Job);
export const CancellingAnswer = refTo(Cancelling);

/** A job as the API shows it. */
export type JobView = Static<typeof Job>;
/** A job as a list shows it. An open approval and an open incident are facts of their own: the state can name only one of them. */
export type ListedJob = Static<typeof JobList>['jobs'][number];

/** What routes answer, by status. */
export type ProblemView = Static<typeof HttpProblem>;
export interface Replies {
  ready: { 200: Static<typeof Ready> };
  plan: { 200: Static<typeof Plan> };
  start: { 202: Static<typeof Started> };
  list: { 200: Static<typeof JobList> };
  job: { 200: JobView };
  decision: { 200: Static<typeof Decision>; 202: Static<typeof PendingDecision> };
  cancel: { 202: Static<typeof Cancelling> };
}

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
      { description: reasons[status], content: { 'application/problem+json': { schema: refTo(HttpProblem) } } },
    ]),
  ),
  default: { description: 'Any other problem, such as 405, 413, 415 or 500', content: { 'application/problem+json': { schema: refTo(HttpProblem) } } },
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
