import { refused } from '../domain/failure.ts';
import type { ManagerEndpoint, StepContext } from '../domain/results.ts';
import { isKeptKnownRight, isKeptRefused, orderOf, unheardOfKept } from '../stores/record/admin-passwords.ts';
import { AttemptRecord } from '../stores/record/attempt-record.ts';
import { requireSecret } from '../stores/secrets/kept.ts';
import type { Manager } from '../systems/ciphertrust/ciphertrust.ts';
import { PasswordRecord } from '../systems/ciphertrust/password-record.ts';
import type { Leaf } from '../systems/ciphertrust/tls.ts';
import { currentFence } from '../systems/fence.ts';
import type { Attempt } from './converge.ts';
import { enterMachineSecrets, isCreatedHere } from './machine-record.ts';
import { separateRecordOf } from './record.ts';
import type { Systems } from './systems.ts';

/** An attempt of a step that speaks to CipherTrust Manager. */
export interface Visitor {
  systems: Systems;
  input: StepContext;
  attempt: Attempt;
}

const records = new WeakMap<AbortSignal, AttemptRecord<'ciphertrust'>>();

/** What happened to the manager: one for an attempt, so that what one part of it enters does not make another part stale. */
export function managerRecord({ systems, input, attempt }: Visitor): AttemptRecord<'ciphertrust'> {
  const record = records.get(attempt.signal) ?? new AttemptRecord(() => separateRecordOf(systems, input, attempt, 'ciphertrust'));
  records.set(attempt.signal, record);
  return record;
}

/**
 * Before secrets go to the manager: its VM must be the one in the record, and counts as having them from then on. What the same VM was given before, also before a
 * wipe, is not entered again.
 */
export async function enterManagerSecrets(visitor: Visitor, ...secrets: string[]): Promise<void> {
  if (secrets.length === 0) return currentFence().entered?.('ciphertrust/secret-given');
  await enterMachineSecrets(visitor, machineOf(visitor), secrets);
}

/** Does the target record show that a request of this service created the manager's VM? */
export const isManagerCreatedHere = (visitor: Visitor): Promise<boolean> => isCreatedHere(visitor, machineOf(visitor));

const machineOf = (visitor: Visitor) => ({
  subject: 'ciphertrust' as const,
  name: visitor.input.request.cipherTrust.vmName,
  record: managerRecord(visitor).asOfLook,
});

export function passwordRecord(visitor: Visitor): PasswordRecord {
  const { systems, input, attempt } = visitor;
  const order = orderOf({ runId: input.runId, execution: attempt.order });
  return new PasswordRecord({
    record: managerRecord(visitor),
    transcripts: systems.transcripts,
    job: input,
    step: attempt.step,
    order,
    execution: attempt.order,
  });
}

interface How {
  /** What is presented, by who has just looked. */
  presented?: Leaf;
  /** With a new sign-in, though this run has one: where only that shows whether the kept password is right, or a token must last. */
  anew?: boolean;
}

/** A connection that is signed in with the kept password: by the sign-in of this run, where there is one. */
export async function signedIn(visitor: Visitor, at: ManagerEndpoint, { presented, anew = false }: How = {}): Promise<Manager> {
  const { systems, input, attempt } = visitor;
  const manager = await systems.cipherTrust.connect(input, at, attempt.signal, presented);
  if (await signsIn(visitor, manager, anew)) return manager;
  throw refused({
    code: 'CIPHERTRUST_PASSWORD_REFUSED',
    tried: 'signing in to CipherTrust Manager with the stored password',
    summary: 'the password is refused',
    remedy: 'Set the password of admin to the stored one, then retry. This service does not sign in with it again until you retry.',
  });
}

/**
 * False where the kept password is refused: that is entered, and it is not shown again before a person orders a retry.
 * The same holds for the sign-ins that this connection makes later on, once a token has ended.
 */
export async function signsIn(visitor: Visitor, manager: Manager, anew: boolean): Promise<boolean> {
  manager.renewsBy(() => signsIn(visitor, manager, true));
  if (!anew && manager.resume()) return true;
  const record = passwordRecord(visitor);
  const shown = await record.shown();
  if (isKeptRefused(shown, record.order)) return false;
  const isKnown = isKeptKnownRight(shown);
  if (!isKnown && unheardOfKept(shown, record.order) === 0) await record.write('kept', 'is tried');
  const isRight = await manager.signIn(await requireSecret(visitor.systems.secrets, visitor.input.target, 'ciphertrust-admin-password'));
  if (!isRight) await record.write('kept', 'is refused');
  else if (!isKnown) await record.write('kept', 'is accepted');
  return isRight;
}
