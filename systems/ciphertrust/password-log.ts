import type { Job } from '../../domain/results.ts';
import { StepLog } from '../../stores/reports/step-log.ts';
import type { Transcripts } from '../../stores/reports/transcripts.ts';

/** Passwords that admin may have: the kept one, the factory’s, or one that the manager generated at its first start. */
export type Which = 'kept' | 'default' | 'generated';

/** What became of a password that was to be shown. */
export type Fate = (typeof fates)[number];
const fates = ['is refused', 'is being replaced', 'was replaced', 'met a locked account', 'cannot be read yet', 'cannot be read as ksadmin'] as const;
const line = new RegExp(`^the (kept|default|generated) password (${fates.join('|')})(?:: (.*))?$`);

export interface Shown {
  which: Which;
  fate: Fate;
  /** Why, where that is known; empty elsewhere. */
  why: string;
  /** Under which order of a person: all attempts of one order count as one. */
  order: string;
  /** When it was written, ISO 8601. */
  at: string;
}

/**
 * Which of admin’s passwords this job showed, and what was said; never the passwords. Neither a killed worker nor a retry that a person orders forgets it: a
 * password that is refused once more may lock the account, and where an account is locked without a word, the right one is refused, too.
 */
export class PasswordLog {
  readonly #log: StepLog;

  constructor(transcripts: Transcripts, job: Job) {
    this.#log = new StepLog(transcripts, job, 'admin-password');
  }

  write({ which, fate, why, order }: Omit<Shown, 'at'>): Promise<void> {
    return this.#log.write(told({ which, fate, why }), order);
  }

  /** In order, the first one first. */
  async shown(): Promise<Shown[]> {
    return (await this.#log.lines()).flatMap(({ words, order, at }) => {
      const [, which, fate, why = ''] = line.exec(words) ?? [];
      return which && fate ? [{ which: which as Which, fate: fate as Fate, why, order, at: new Date(at).toISOString() }] : [];
    });
  }
}

/** For a person. */
export const told = ({ which, fate, why }: Pick<Shown, 'which' | 'fate' | 'why'>): string => `the ${which} password ${fate}${why ? `: ${why}` : ''}`;
