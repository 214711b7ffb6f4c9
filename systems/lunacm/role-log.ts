import type { Job } from '../../domain/results.ts';
import { StepLog } from '../../stores/reports/step-log.ts';
import type { Transcripts } from '../../stores/reports/transcripts.ts';
import type { RoleShown } from '../lunash/partition-show.ts';

export type Role = 'po' | 'co';

/** What this job showed a role since it was last taken. */
export interface Spent {
  /** Sign-ins that were begun, those among them whose end nobody heard. */
  begun: number;
  refused: number;
}

/** Below this no password is tried any more: ten wrong ones lock the crypto officer for good, or erase the partition. */
const fewestAttempts = 5;
/** Where nobody tells how many are left, of ten: so many refused ones, or begun ones that may have been refused, and nothing more is tried. */
const mostRefused = 2;
const mostBegun = 4;

/** May a password be shown to a role? What is told of its attempts counts; where nothing is told, what this job remembers. */
export const mayTry = ({ attemptsLeft }: Pick<RoleShown, 'attemptsLeft'>, spent: Spent): boolean =>
  attemptsLeft === undefined ? spent.refused < mostRefused && spent.begun < mostBegun : attemptsLeft >= fewestAttempts;

/**
 * Which sign-ins to the partition’s roles this job began, and how they ended; never a password. It is written before the password leaves: neither a killed
 * worker nor a retry that a person orders forgets it, and not every client tells how many attempts are left.
 */
export class RoleLog {
  readonly #log: StepLog;

  constructor(transcripts: Transcripts, job: Job) {
    this.#log = new StepLog(transcripts, job, 'partition-sign-ins');
  }

  begins(role: Role): Promise<void> {
    return this.#log.write(`${role} sign-in begins`);
  }

  ended(role: Role, how: 'taken' | 'refused'): Promise<void> {
    return this.#log.write(`${role} sign-in was ${how}`);
  }

  /** Before the role is initialised: its first password may hold from then on, and where the HSM’s policy 21 is off, nothing tells that it does. */
  initialises(role: Role): Promise<void> {
    return this.#log.write(`${role} is initialised`);
  }

  /** After it was changed or refused. Not where it was only taken: the change after it may have failed, and then it still holds. */
  firstIsOver(role: Role): Promise<void> {
    return this.#log.write(`${role} first password is over`);
  }

  /** Was it initialised by this run, and may its first password still hold? */
  async isNew(role: Role): Promise<boolean> {
    const said = (await this.#log.lines()).map(({ words }) => words);
    return said.lastIndexOf(`${role} is initialised`) > said.lastIndexOf(`${role} first password is over`);
  }

  async spent(role: Role): Promise<Spent> {
    const said = (await this.#log.lines()).map(({ words }) => words).filter((words) => words.startsWith(`${role} sign-in `));
    const since = said.slice(said.lastIndexOf(`${role} sign-in was taken`) + 1);
    const count = (end: string) => since.filter((words) => words.endsWith(end)).length;
    return { begun: count('begins'), refused: count('was refused') };
  }
}
