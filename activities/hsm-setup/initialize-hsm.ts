import type { HsmSeen, Job, StepInput, StepResult } from '../../domain/results.ts';
import { readHsm } from '../../systems/lunash/luna.ts';
import type { LunashSession } from '../../systems/lunash/session.ts';
import { kept } from '../../systems/secrets/kept.ts';
import type { SecretStore } from '../../systems/secrets/store.ts';
import { act, converge, done, halt } from '../converge.ts';
import type { Systems } from '../systems.ts';
import { foreign } from './inspect-hsm.ts';

type Input = StepInput<'initialize-hsm'>;

/** Somebody mistyped the SO password since: no further attempt is made by itself. */
export const attemptsUsed = ({ soAttemptsLeft }: HsmSeen) =>
  halt({
    tried: 'signing in as SO',
    seen: `${soAttemptsLeft} attempts are left`,
    source: 'LunaSH',
    remedy: 'Sign in by hand as SO with the kept password, which resets the counter, then retry.',
  });

export const decideInitializeHsm = (hsm: HsmSeen, input: Pick<Input, 'request'>) => {
  if (hsm.zeroized) return act('initialize');
  if (hsm.label !== input.request.hsm.label) return foreign(hsm, input);
  if (hsm.soAttemptsLeft !== 3) return attemptsUsed(hsm);
  return done<StepResult<'initialize-hsm'>>({ hsm });
};

/** `hsm init -label …`: label, SO password and cloning domain, the secrets typed at prompts. Only ever on a zeroized HSM. */
export async function initialize(session: LunashSession, secrets: SecretStore, { target, request }: Job): Promise<void> {
  const [password, domain] = [await kept(secrets, target, 'hsm-so-password'), await kept(secrets, target, 'hsm-domain')];
  await session.change(`hsm init -label ${request.hsm.label}`, { password, domain, proceed: true }, 'hsm init');
}

/** Initialises the HSM. One that already has our label is ours if, and only if, the kept SO password opens it. */
export const initializeHsm = ({ luna, secrets, settings }: Systems) =>
  converge<Input, HsmSeen, StepResult<'initialize-hsm'>, 'initialize'>({
    settleMs: settings.settleMs,
    observe: (input, { signal }) =>
      luna.shell(input, input, 'initialize-hsm', signal, async (session) => {
        const hsm = await readHsm(session);
        if (!hsm.zeroized && hsm.label === input.request.hsm.label && hsm.soAttemptsLeft === 3) await luna.signInAsSo(input, session);
        return hsm;
      }),
    decide: decideInitializeHsm,
    act: {
      initialize: (input, _, { signal }) =>
        luna.shell(input, input, 'initialize-hsm', signal, async (session) => {
          if ((await readHsm(session)).zeroized) await initialize(session, secrets, input);
        }),
    },
  });
