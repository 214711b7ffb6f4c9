import type { HsmSeen, StepInput, StepResult } from '../../domain/results.ts';
import { readHsm } from '../../systems/lunash/luna.ts';
import { act, converge, done, halt } from '../converge.ts';
import type { Systems } from '../systems.ts';
import { attemptsUsed, initialize } from './initialize-hsm.ts';

type Input = StepInput<'fips-mode'>;

export const decideFipsMode = (hsm: HsmSeen, { approvedDigest }: Pick<Input, 'approvedDigest'>) => {
  if (hsm.fips) return hsm.zeroized ? act('initialize') : done<StepResult<'fips-mode'>>({ outcome: 'on', hsm });
  if (hsm.zeroized)
    return halt({
      tried: 'turning FIPS mode on',
      seen: 'the HSM was zeroized meanwhile',
      source: 'LunaSH',
      remedy: 'Find out who erased it. Abort, and send the request again: it starts from the zeroized HSM.',
    });
  if (hsm.digest !== approvedDigest) return done<StepResult<'fips-mode'>>({ outcome: 'changed-since-approval', hsm });
  if (hsm.soAttemptsLeft !== 3) return attemptsUsed(hsm);
  return act('turn-on');
};

/** `hsm changePolicy -policy 12 -value 0`. Erases every partition: only what was approved, compared once more in the session that does it. */
export const fipsMode = ({ luna, secrets, settings }: Systems) =>
  converge<Input, HsmSeen, StepResult<'fips-mode'>, 'turn-on' | 'initialize'>({
    settleMs: settings.settleMs,
    observe: (input, { signal }) => luna.inspect(input, input, 'fips-mode', signal),
    decide: decideFipsMode,
    act: {
      'turn-on': (input, _, { signal }) =>
        luna.shell(input, input, 'fips-mode', signal, async (session) => {
          if ((await readHsm(session)).digest !== input.approvedDigest) return;
          await luna.signInAsSo(input, session);
          await session.change('hsm changePolicy -policy 12 -value 0', { proceed: true }, 'hsm changePolicy');
        }),
      initialize: (input, _, { signal }) => luna.shell(input, input, 'fips-mode', signal, (session) => initialize(session, secrets, input)),
    },
  });
