import { Type } from 'typebox';
import { failureCodes } from '../failure-codes.ts';
import { idsOf } from '../steps.ts';

/**
 * Why a step could not go on, for the person who must act. Never holds a secret; at most 1 KB when serialized. Workflow code imports types alone from the
 * files in this folder: the schema library has no place in its sandbox.
 */
export const problem = Type.Object({
  /**
   * `NotReady`: it takes more time, look again later. `Transient`: something between us failed, try again until the step's deadline.
   * `Refused`: input, permission or quota, a person must change something. `Unsafe`: acting would destroy or lock something, or the state is unknown.
   */
  kind: Type.Enum(['NotReady', 'Transient', 'Refused', 'Unsafe']),
  code: Type.Enum(idsOf(failureCodes), { description: 'The kind of situation, for alert rules. All codes: docs/failures.md.' }),
  /** What was tried: `hsm login on 172.22.1.4`. */
  tried: Type.String(),
  summary: Type.String({ description: 'What happened, in words of this service.' }),
  evidence: Type.Optional(
    Type.Object(
      {
        source: Type.String({ description: 'Whose words these are: `Azure Resource Manager`, `LunaSH`, `CipherTrust Manager`.' }),
        text: Type.String({ description: 'Verbatim, with secrets masked, and cut where it is long.' }),
      },
      { description: 'The words of the system itself, where it gave any.' },
    ),
  ),
  /** What to do, in one sentence. */
  remedy: Type.String(),
  /** For `NotReady` and `Transient`, in milliseconds. */
  retryAfterMs: Type.Optional(Type.Number({ description: 'When the system asked to be asked again.' })),
});
