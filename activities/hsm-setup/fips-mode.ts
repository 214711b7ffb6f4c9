import type { HsmSeen, StepInput, StepResult } from '../../domain/results.ts';
import { readHsm } from '../../systems/lunash/read-hsm.ts';
import { act, converge, done, halt, lasting } from '../converge.ts';
import type { Systems } from '../systems.ts';
import { attemptsUsed, initialize, inspectAsSo } from './initialize-hsm.ts';
import { foreign } from './inspect-hsm.ts';

type Input = StepInput<'fips-mode'>;

/**
 * FIPS mode that is on already needs no comparison with what was approved: nothing is erased any more. But the HSM must be ours still, which only the
 * kept SO password shows.
 */
export const decideFipsMode = (hsm: HsmSeen, { approvedDigest, request }: Pick<Input, 'approvedDigest' | 'request'>) => {
  if (hsm.zeroized && hsm.fips) return act('initialize');
  if (hsm.zeroized)
    return halt({
      tried: 'turning FIPS mode on',
      seen: 'the HSM was zeroized meanwhile',
      source: 'LunaSH',
      remedy: 'Find out who erased it. Abort, and send the request again: it starts from the zeroized HSM.',
    });
  if (hsm.label !== request.hsm.label) return foreign(hsm, { request });
  if (hsm.soAttemptsLeft !== 3) return attemptsUsed(hsm);
  if (hsm.fips) return done<StepResult<'fips-mode'>>({ outcome: 'on', hsm });
  if (hsm.digest !== approvedDigest) return done<StepResult<'fips-mode'>>({ outcome: 'changed-since-approval', hsm });
  return act('turn-on');
};

/**
 * `hsm changePolicy -policy 12 -value 0`. Erases every partition: only what was approved, compared once more in the session that does it, before the SO
 * signs in and right before the change. Afterwards the SO signs in again.
 */
export const fipsMode = ({ luna, secrets, settings }: Systems) =>
  converge<Input, HsmSeen, StepResult<'fips-mode'>, 'turn-on' | 'initialize'>({
    lasting: lasting(settings, 'lunash-command'),
    observe: (input, { signal }) => luna.shell(input, input, 'fips-mode', signal, (session) => inspectAsSo(luna, session, input, ({ fips }) => fips)),
    decide: decideFipsMode,
    act: {
      'turn-on': (input, _, { signal }) =>
        luna.shell(input, input, 'fips-mode', signal, async (session) => {
          const asApproved = async () => (await readHsm(session)).digest === input.approvedDigest;
          if (!(await asApproved())) return;
          await luna.signInAsSo(input, session);
          if (!(await asApproved())) return;
          await session.change('hsm changePolicy -policy 12 -value 0', { proceed: true }, 'hsm changePolicy');
        }),
      initialize: (input, _, { signal }) => luna.shell(input, input, 'fips-mode', signal, (session) => initialize(session, secrets, input)),
    },
  });
