import { Type } from 'typebox';

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
  /** What was tried: `hsm login on 172.22.1.4`. */
  tried: Type.String(),
  /** What came back, in the system's own words where it has any. */
  seen: Type.String(),
  /** Who said so: `Azure Resource Manager`, `LunaSH`, `CipherTrust Manager`, `this service`. */
  source: Type.String(),
  /** What to do, in one sentence. */
  remedy: Type.String(),
  /** For `NotReady` and `Transient`, in milliseconds. */
  retryAfterMs: Type.Optional(Type.Number({ description: 'When the system asked to be asked again.' })),
});
