import { Type } from 'typebox';
import { incidentAction } from './progress.ts';

/** What people send. `domain/decisions.ts` derives the types of signals from here, and reads one. */

const comment = Type.Optional(Type.String({ maxLength: 500, description: 'Kept with the decision.' }));

const sent = {
  /** Chosen by the sender; the verdict is kept under it, and a second signal with the same id changes nothing. */
  decisionId: Type.String(),
  actor: Type.String(),
  comment,
};

/** The signals `approve` and `reject`, exactly as they may be sent from the API, the CLI or the Temporal UI. */
export const approvalSignal = Type.Object({ approvalId: Type.String(), ...sent });

/** The signal `resolve`. */
export const resolveSignal = Type.Object({
  incidentId: Type.String(),
  action: incidentAction,
  ...sent,
  /** With `retry` alone. Anybody may send anything: it is judged. */
  amendment: Type.Optional(Type.Unknown()),
});

const who = {
  actor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      description: 'Who decides, where you are signed in as a role (the role when absent). Signed in by name it can be left out and is nobody else.',
    }),
  ),
  comment,
};

const closed = { additionalProperties: false } as const;

/** The same as a client of the API sends them: which approval or incident stands in the path, and who it is comes from the sign-in. */
export const approvalDecision = Type.Object({ decision: Type.Enum(['approve', 'reject']), ...who }, closed);

export const incidentDecision = Type.Object(
  {
    action: incidentAction,
    amendment: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          'With retry alone: new values for fields of the request that no step has used yet, by JSON pointer; null takes a field away. Judged like a request: every mistake at once (422).',
        examples: [{ '/lunaClient/installer/url': 'https://downloads.example.com/LunaClient.zip' }],
      }),
    ),
    ...who,
  },
  closed,
);
