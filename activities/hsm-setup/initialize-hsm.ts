import type { HsmSeen, Job, StepInput, StepResult } from '../../domain/results.ts';
import { kept } from '../../stores/secrets/kept.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import type { Luna } from '../../systems/lunash/luna.ts';
import { readHsm } from '../../systems/lunash/read-hsm.ts';
import type { LunashSession } from '../../systems/lunash/session.ts';
import { act, converge, done, halt, lasting } from '../converge.ts';
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

/**
 * `hsm init -label …`: label, SO password and cloning domain, the secrets typed at prompts. Only ever on a zeroized HSM: looks once more in this session, right
 * before it, with the secrets at hand since the store may take its time. Who initialised it in between makes it ask for the password that the HSM has: that is
 * never answered here.
 */
export async function initialize(session: LunashSession, secrets: SecretStore, { target, request }: Job): Promise<void> {
  const [newPassword, domain] = [await kept(secrets, target, 'hsm-so-password'), await kept(secrets, target, 'hsm-domain')];
  if (!(await readHsm(session)).zeroized) return;
  await session.change(`hsm init -label ${request.hsm.label}`, { newPassword, domain, proceed: true }, 'hsm init');
}

/**
 * Looks at the HSM, and where it has our label signs in as SO: it is ours if, and only if, the kept password opens it. `wanted` says whether that is asked
 * of it at all.
 */
export async function inspectAsSo(luna: Luna, session: LunashSession, input: Job, wanted: (hsm: HsmSeen) => boolean = () => true): Promise<HsmSeen> {
  const hsm = await readHsm(session);
  if (!hsm.zeroized && hsm.label === input.request.hsm.label && hsm.soAttemptsLeft === 3 && wanted(hsm)) await luna.signInAsSo(input, session);
  return hsm;
}

/** Initialises the HSM. One that already has our label is ours if, and only if, the kept SO password opens it. */
export const initializeHsm = ({ luna, secrets, settings }: Systems) =>
  converge<Input, HsmSeen, StepResult<'initialize-hsm'>, 'initialize'>({
    lasting: lasting(settings, 'lunash-command'),
    observe: (input, { signal }) => luna.shell(input, input, 'initialize-hsm', signal, (session) => inspectAsSo(luna, session, input)),
    decide: decideInitializeHsm,
    act: {
      initialize: (input, _, { signal }) => luna.shell(input, input, 'initialize-hsm', signal, (session) => initialize(session, secrets, input)),
    },
  });
