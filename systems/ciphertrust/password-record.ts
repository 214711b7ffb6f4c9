import type { StepContext } from '../../domain/results.ts';
import { type LoginAttempt, type LoginOutcome, shownPasswords, type Which } from '../../stores/record/admin-passwords.ts';
import type { AttemptRecord } from '../../stores/record/attempt-record.ts';
import type { Transcripts } from '../../stores/reports/transcripts.ts';

const events = {
  'is tried': 'admin-password-tried',
  'is accepted': 'admin-password-accepted',
  'is refused': 'admin-password-refused',
  'is being replaced': 'admin-password-replace-begun',
  'was replaced': 'admin-password-replaced',
  'met a locked account': 'admin-password-locked',
  'was not judged': 'admin-password-locked',
} as const;

const isBeforeAct = (outcome: LoginOutcome) => outcome === 'is tried' || outcome === 'is being replaced';
/** Of no interest in the report: what came of it is. */
const isEvidence = (outcome: LoginOutcome) => outcome !== 'is tried' && outcome !== 'is accepted';

interface Parts {
  record: AttemptRecord<'ciphertrust'>;
  transcripts: Transcripts;
  job: StepContext;
  /** Whose transcript says it, too. */
  step: string;
  /** Under which order of a person, in which run. */
  order: string;
  /** As the transcript names it. */
  execution: string;
}

/**
 * Which of admin’s passwords were shown to this manager, by whichever job, and what was said; never the passwords. Nobody forgets it: a password that is refused
 * once more may lock the account, and where an account is locked without a word, the right one is refused, too.
 */
export class PasswordRecord {
  readonly order: string;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.order = parts.order;
    this.#parts = parts;
  }

  /** Before a password leaves it is Stale where somebody else entered something since the last look; what came of it is entered in any case. */
  async write(which: Which, outcome: LoginOutcome, why = ''): Promise<void> {
    const { record, transcripts, job, step, execution } = this.#parts;
    const evidence = why ? { evidence: why.slice(0, 1000) } : {};
    if (outcome === 'cannot be read yet' || outcome === 'cannot be read as ksadmin')
      await record.enterFact('admin-password-unreadable', { which: 'generated', passes: outcome === 'cannot be read yet', ...evidence });
    else await record[isBeforeAct(outcome) ? 'enter' : 'enterFact'](events[outcome], { which, ...evidence });
    if (!isEvidence(outcome)) return;
    const line = `${new Date().toISOString()} ${told({ which, outcome, why }).replace(/\s+/g, ' ')} (order ${execution})`;
    await transcripts.append(job.target, job.runId, step, line);
  }

  /** In order, the first one first: as of the attempt's last look. */
  async shown(): Promise<LoginAttempt[]> {
    return shownPasswords(await this.#parts.record.known());
  }
}

/** For a person, who knows the kept password as the one in the secret store. */
export const passwordName = (which: Which): string => `${which === 'kept' ? 'stored' : which} password`;

export const told = ({ which, outcome, why }: Pick<LoginAttempt, 'which' | 'outcome' | 'why'>): string =>
  `the ${passwordName(which)} ${outcome}${why ? `: ${why}` : ''}`;
