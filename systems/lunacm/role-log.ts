import type { StepContext } from '../../domain/results.ts';
import type { Entry } from '../../stores/record/events.ts';
import { type SignIns, signInsSinceAccepted } from '../../stores/record/memory.ts';
import type { TargetRecord } from '../../stores/record/record.ts';
import type { RoleShown } from '../lunash/partition-show.ts';

export type Role = 'po' | 'co';

/** Below this no password is tried any more: ten wrong ones lock the crypto officer for good, or erase the partition. */
const fewestAttempts = 5;
/** Where nobody tells how many are left, of ten: so many refused ones, or begun ones that may have been refused, and this job tries no more. */
const mostRefused = 2;
const mostTried = 4;
/** Nor does any other job, each of which may try once: then half of the ten may be used up. */
const mostOfAllJobs = 10 - fewestAttempts;

/** What was tried of a role since its last accepted sign-in. */
export interface Spent extends SignIns {
  /** Those of this job among them. */
  triedByJob: number;
}

export function spentOf(entries: readonly Entry<'hsm'>[], role: Role, partitionSerial: string, runId: string): Spent {
  const all = signInsSinceAccepted(entries, role, partitionSerial);
  const own = signInsSinceAccepted(
    entries.filter((entry) => entry.runId === runId),
    role,
    partitionSerial,
  );
  return { ...all, triedByJob: Math.min(own.tried, all.tried) };
}

/** May a password be shown to a role? What is told of its attempts counts; where nothing is told, what the target record says. */
export function mayTry({ attemptsLeft }: Pick<RoleShown, 'attemptsLeft'>, { tried, refused, triedByJob }: Spent): boolean {
  if (attemptsLeft !== undefined) return attemptsLeft >= fewestAttempts;
  return (refused < mostRefused && tried < mostTried) || (triedByJob === 0 && tried < mostOfAllJobs);
}

/**
 * Enters in the target record what is shown to the roles of one partition; never a password. It is entered before the password leaves: neither a killed worker
 * nor a retry nor a later job forgets it, and not every client tells how many attempts are left.
 */
export class RoleLog {
  readonly #record: TargetRecord<'hsm'>;
  readonly #partitionSerial: string;
  readonly #runId: string;

  constructor(record: TargetRecord<'hsm'>, partitionSerial: string, { runId }: Pick<StepContext, 'runId'>) {
    this.#record = record;
    this.#partitionSerial = partitionSerial;
    this.#runId = runId;
  }

  spent(entries: readonly Entry<'hsm'>[], role: Role): Spent {
    return spentOf(entries, role, this.#partitionSerial, this.#runId);
  }

  read(): Promise<Entry<'hsm'>[]> {
    return this.#record.read();
  }

  async signIn(role: Role, outcome: 'tried' | 'accepted' | 'refused', first = false): Promise<void> {
    await this.#record.append(`${role}-sign-in`, { outcome, partitionSerial: this.#partitionSerial, ...(first ? { first } : {}) });
  }

  /** Before the role is initialized: its first password may hold from then on, and where the HSM’s policy 21 is off, nothing tells that it does. */
  async initializes(role: Role): Promise<void> {
    await this.#record.append('role-initialize-begun', { role, partitionSerial: this.#partitionSerial });
  }

  /** After it was changed or refused. Not where it was only accepted: the change after it may have failed, and then it still holds. */
  async firstIsOver(role: Role): Promise<void> {
    await this.#record.append('role-first-password-over', { role, partitionSerial: this.#partitionSerial });
  }
}
