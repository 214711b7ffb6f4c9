import { type Static, Type } from 'typebox';
import { jobStates } from '../../domain/schemas/progress.ts';

/** Schemas of what comes in beside the request and decisions, which domain/schemas says. */

const closed = { additionalProperties: false } as const;
export const JobParameters = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9-]{3,64}$' }) });
export const ApprovalParameters = Type.Object({ ...JobParameters.properties, approvalId: Type.String({ maxLength: 60 }) });
export const IncidentParameters = Type.Object({ ...JobParameters.properties, incidentId: Type.String({ maxLength: 60 }) });

export const ListQuery = Type.Object(
  {
    state: Type.Optional(
      Type.Enum(jobStates, {
        description: 'awaiting-approval finds every job with an open approval, incident every job with an open incident: a job with both is found by each.',
      }),
    ),
    awaitingApproval: Type.Optional(Type.Boolean({ description: 'Jobs with, or without, an open approval.' })),
    hasIncident: Type.Optional(Type.Boolean({ description: 'Jobs with, or without, an open incident.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: '50 when absent.' })),
  },
  closed,
);

/** Which jobs a list shows: all that is given must hold. */
export type ListFilter = Omit<Static<typeof ListQuery>, 'limit'>;

export const PlanQuery = Type.Object(
  { whatIf: Type.Optional(Type.Boolean({ description: 'Also read Azure: Create, NoChange or Modify for each resource. Needs a worker.' })) },
  closed,
);

export const KeyHeader = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'The same key with the same body is the same request, however often it is sent. The same key with another body is refused (422). A key is valid for one HSM or job: for another HSM, the same key is a different request.',
    }),
  ),
});

export type JobPath = Static<typeof JobParameters>;
export type Key = Static<typeof KeyHeader>;
