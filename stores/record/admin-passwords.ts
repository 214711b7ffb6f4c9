import type { Entry } from './events.ts';

/** Passwords that admin may have: the kept one, the factory’s, or one that the manager generated at its first start. */
export type Which = 'kept' | 'default' | 'generated';

/** What became of a password that was to be shown. */
export type LoginOutcome =
  | 'is tried'
  | 'is accepted'
  | 'is refused'
  | 'is being replaced'
  | 'was replaced'
  | 'met a locked account'
  | 'was not judged'
  | 'cannot be read yet'
  | 'cannot be read as ksadmin';

export interface LoginAttempt {
  which: Which;
  outcome: LoginOutcome;
  /** Why, where that is known; empty elsewhere. */
  why: string;
  /** Under which order of a person, in which run: all attempts of one order count as one. */
  order: string;
  /** When it was entered, ISO 8601: for people. */
  at: string;
}

const outcomes = {
  'admin-password-tried': 'is tried',
  'admin-password-accepted': 'is accepted',
  'admin-password-refused': 'is refused',
  'admin-password-replace-begun': 'is being replaced',
  'admin-password-replaced': 'was replaced',
  'admin-password-locked': 'met a locked account',
} as const satisfies Record<string, LoginOutcome>;

/** Execution ids begin again with each run. */
export const orderOf = ({ runId, execution }: { runId: string; execution: string }): string => `${runId}/${execution}`;

/** Which of admin's passwords were shown to the manager, and what became of that, in order. */
export const shownPasswords = (entries: readonly Entry<'ciphertrust'>[]): LoginAttempt[] =>
  entries.flatMap((entry): LoginAttempt[] => {
    const by = { order: orderOf(entry), at: entry.at };
    if (entry.event === 'admin-password-unreadable')
      return [{ which: 'generated', outcome: entry.data.passes ? 'cannot be read yet' : 'cannot be read as ksadmin', why: entry.data.evidence ?? '', ...by }];
    if (!isAboutPassword(entry)) return [];
    // A locked account says nothing of why; any other answer that says nothing about the password is quoted.
    if (entry.event === 'admin-password-locked' && entry.data.evidence !== undefined)
      return [{ which: entry.data.which, outcome: 'was not judged', why: entry.data.evidence, ...by }];
    return [{ which: entry.data.which, outcome: outcomes[entry.event], why: entry.data.evidence ?? '', ...by }];
  });

const isAboutPassword = (entry: Entry<'ciphertrust'>): entry is Extract<Entry<'ciphertrust'>, { event: keyof typeof outcomes }> =>
  Object.hasOwn(outcomes, entry.event);

const wasJudged = (outcome: LoginOutcome): boolean => outcome === 'is accepted' || outcome === 'is refused';

/** Was the kept password right the last time that anything was heard of it? Then it is shown again without an entry. */
export function isKeptKnownRight(shown: readonly LoginAttempt[]): boolean {
  const last = shown.findLast(({ which, outcome }) => outcome === 'was replaced' || (which === 'kept' && wasJudged(outcome)));
  return last?.outcome === 'is accepted' || last?.outcome === 'was replaced';
}

/** Was the kept password refused under this order? Then it is shown again only once a person orders it. */
export function isKeptRefused(shown: readonly LoginAttempt[], order: string): boolean {
  const last = shown.findLast((one) => one.order === order && (one.outcome === 'was replaced' || (one.which === 'kept' && wasJudged(one.outcome))));
  return last?.outcome === 'is refused';
}

/** How often the kept password was shown under this order since the last time that anything was heard. */
export function unheardOfKept(shown: readonly LoginAttempt[], order: string): number {
  const ofOrder = shown.filter((one) => one.order === order);
  return ofOrder.slice(ofOrder.findLastIndex(({ outcome }) => outcome !== 'is tried') + 1).length;
}
