import type { HsmState, StepInput, StepResult } from '../../domain/results.ts';
import { type Doubt, doubtOf, isKnownHsm, isSameRetry, refusedUnder } from '../../stores/record/memory.ts';
import type { TargetRecord } from '../../stores/record/record.ts';
import { writerOf } from '../../stores/record/writer.ts';
import { requireSecret } from '../../stores/secrets/kept.ts';
import { soRefusedRemedy } from '../../systems/lunash/luna.ts';
import { readHsm } from '../../systems/lunash/read-hsm.ts';
import type { LunashSession } from '../../systems/lunash/session.ts';
import { type Attempt, act, converge, done, halt, prove } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';
import { foreign } from './inspect-hsm.ts';

type Input = StepInput<'initialize-hsm'>;

export interface Seen {
  hsm: HsmState;
  /** Was the kept SO password refused under this very retry? */
  soRefused: boolean;
  /** Has this very retry initialized it, and seen that it was? */
  isDone: boolean;
  /** Does the target record show that it is ours? Else: was a person told that it does not? */
  ownership: 'known' | Doubt;
}

/** The kept SO password opens it: it is ours. */
export interface Proofs {
  'so-password': 'accepted';
}

/** Somebody mistyped the SO password since: no further attempt is made by itself. */
export const attemptsUsed = ({ soAttemptsLeft }: HsmState) =>
  halt({
    code: 'HSM_SO_ATTEMPTS_USED',
    tried: 'signing in as SO',
    summary: `sign-in attempts left: ${soAttemptsLeft} of 3; no further sign-in was made`,
    remedy: 'Sign in yourself as SO with the stored password, which resets the counter, then retry.',
  });

/** Not shown again before a person orders a retry, whatever counter the HSM shows meanwhile. */
export const soWasRefused = () =>
  halt({
    code: 'HSM_SO_PASSWORD_REFUSED',
    tried: 'signing in as SO',
    summary: 'the stored SO password was refused by this HSM',
    remedy: soRefusedRemedy,
  });

const erasedSince = ({ serial }: HsmState) =>
  halt({
    code: 'HSM_ZEROIZED',
    tried: `initializing the HSM ${serial}`,
    summary: 'it was initialized by this step, and is zeroized again',
    remedy: 'Nothing was done. Find out who erased it, then retry: a retry initializes it once more.',
  });

/** A password that cannot be right would be one of three attempts: a person must know before it is tried. */
const unrecorded = ({ serial, label }: HsmState) =>
  halt({
    code: 'HSM_FOREIGN',
    tried: `taking over the HSM ${serial}`,
    summary: `it has the label “${label}”, but the target record does not show that this service initialized it or signed in to it as SO`,
    remedy:
      'No password was tried. Somebody else may use it: have its owner zeroize it, then retry. If it is yours (the record was lost), check the stored SO password, then retry. Retrying signs in once; 3 wrong passwords erase the HSM.',
  });

export const decideInitializeHsm = ({ hsm, soRefused, isDone, ownership }: Seen, input: Pick<Input, 'request'>, proofs: Partial<Proofs>) => {
  if (hsm.zeroized) return isDone ? erasedSince(hsm) : act('initialize');
  if (hsm.label !== input.request.hsm.label) return foreign(hsm, input);
  if (ownership === 'none') return act('doubt');
  if (ownership === 'told') return unrecorded(hsm);
  if (hsm.soAttemptsLeft !== 3) return attemptsUsed(hsm);
  if (proofs['so-password']) return done<StepResult<'initialize-hsm'>>({ hsm });
  return soRefused ? soWasRefused() : prove('so-password');
};

/**
 * `hsm init -label …`: label, SO password and cloning domain, the secrets typed at prompts. Only ever on a zeroized HSM: looks once more in this session, right
 * before it, with the secrets at hand since the store may take its time. Who initialized it in between makes it ask for the password that the HSM has: that is
 * never answered here.
 */
export async function initialize(
  session: LunashSession,
  { secrets }: Pick<Systems, 'secrets'>,
  { target, request }: Input,
  record: TargetRecord<'hsm'>,
): Promise<void> {
  const [newPassword, domain] = [await requireSecret(secrets, target, 'hsm-so-password'), await requireSecret(secrets, target, 'hsm-domain')];
  const before = await readHsm(session);
  if (!before.zeroized) return;
  await record.append('initialize-begun', { serial: before.serial });
  await session.change(`hsm init -label ${request.hsm.label}`, { newPassword, domain, proceed: true }, 'hsm init');
  const { zeroized, serial, label } = await readHsm(session);
  if (!zeroized) await record.append('initialized', { serial, label });
}

/**
 * Initializes the HSM. One that already has our label is ours if, and only if, the kept SO password opens it. That is tried where the target record shows that
 * it is ours, or a person who was told that it does not ordered a retry.
 */
export const initializeHsm = (systems: Systems) => {
  const { luna } = systems;
  const record = (input: Input, attempt: Attempt) => recordOf(systems, input, attempt, 'hsm');
  const inShell = <T>(input: Input, attempt: Attempt, work: (session: LunashSession) => Promise<T>) => luna.shell(input, attempt, work);
  return converge<Input, Seen, StepResult<'initialize-hsm'>, 'initialize' | 'doubt', Proofs>({
    ...leaving(systems, 'lunash-sign-in', 'lunash-init'),
    async observe(input, attempt) {
      const entries = await record(input, attempt).read();
      const writer = writerOf(input, attempt);
      const hsm = await inShell(input, attempt, readHsm);
      return {
        hsm,
        soRefused: refusedUnder(entries, { role: 'so' }, writer),
        isDone: entries.some((entry) => entry.event === 'initialized' && isSameRetry(entry, writer)),
        ownership: isKnownHsm(entries, hsm.serial) ? 'known' : doubtOf(entries, { of: 'hsm', serial: hsm.serial }, writer),
      };
    },
    prove: { 'so-password': (input, _, attempt) => provedAsSo(systems, input, attempt) },
    decide: decideInitializeHsm,
    act: {
      initialize: (input, _, attempt) => inShell(input, attempt, (session) => initialize(session, systems, input, record(input, attempt))),
      doubt: async (input, { hsm: { serial } }, attempt) => void (await record(input, attempt).append('ownership-doubted', { of: 'hsm', serial })),
    },
    fingerprint: ({ hsm }) => hsm,
  });
};

/** Signs in as SO in a session of its own: it succeeds, or the step ends. */
export async function provedAsSo(systems: Systems, input: Input, attempt: Attempt): Promise<'accepted'> {
  const { luna } = systems;
  await luna.shell(input, attempt, (session) => luna.signInAsSo(input, session, recordOf(systems, input, attempt, 'hsm')));
  return 'accepted';
}
