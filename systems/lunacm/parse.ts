import type { RoleShown } from '../lunash/partition-show.ts';

/** Parsers of what lunacm prints (docs/reference/luna.md#lunacm-output). */

export interface CommandOutput {
  command: string;
  text: string;
  /** `No Error`, or a code such as `0xa0 (CKR_PIN_INCORRECT)`; undefined where there is no result line. */
  result: string | undefined;
}

export const succeeded = ({ result }: CommandOutput): boolean => result !== undefined && /^No Error/i.test(result);

/** What is wrong with a password that was shown; undefined where it does not say. */
export function pinProblem({ result = '', text }: CommandOutput): 'refused' | 'locked' | 'expired' | undefined {
  const why = `${result} ${text}`;
  if (/PIN_LOCKED|0xa4\b/i.test(why)) return 'locked';
  if (/PIN_EXPIRED|0xa3\b/i.test(why)) return 'expired';
  return /PIN_INCORRECT|0xa0\b/i.test(why) ? 'refused' : undefined;
}

/** The output of each command of a script, by the prompts in between. */
export function splitCommands(output: string, commands: readonly string[]): CommandOutput[] {
  const parts = output.replaceAll('\r', '').split(/Command Result\s*:\s*(.+)/i);
  return commands.map((command, at) => ({ command, text: parts[at * 2] ?? '', result: parts[at * 2 + 1]?.trim() }));
}

export interface Slot {
  slot: number;
  label: string;
  serial: string;
}

export function parseSlots(text: string): Slot[] {
  return text
    .split(/Slot Id\s*->/i)
    .slice(1)
    .flatMap((block) => {
      const slot = /^\s*(\d+)/.exec(block)?.[1];
      const serial = /Serial Number\s*->[ \t]*(\d+)/i.exec(block)?.[1];
      return slot && serial ? [{ slot: Number(slot), serial, label: /^\s*Label\s*->[ \t]*(.*?)[ \t]*$/im.exec(block)?.[1] ?? '' }] : [];
    });
}

export interface PartitionInfo {
  label: string;
  serial: string;
  /** Undefined where no flag is told at all. */
  initialized: boolean | undefined;
  cryptoOfficer: boolean | undefined;
  /** True where a flag says that the crypto officer’s first password still holds; not every client tells. */
  mustChange?: true | undefined;
}

/** `partition showinfo`: label, serial and flags, whatever the words before them are. */
export function parseShowInfo(text: string): PartitionInfo | undefined {
  const serial = /Serial Number\s*(?:->|:)\s*(\d+)/i.exec(text)?.[1];
  if (!serial) return undefined;
  const flag = (name: string) => (/\bCKF_/.test(text) ? text.includes(name) : undefined);
  return {
    serial,
    label: /Label[ \t]*(?:->|:)[ \t]*(.*?)[ \t]*$/im.exec(text)?.[1] ?? '',
    initialized: flag('CKF_TOKEN_INITIALIZED'),
    cryptoOfficer: flag('CKF_USER_PIN_INITIALIZED'),
    mustChange: flag('CKF_USER_PIN_TO_BE_CHANGED') || undefined,
  };
}

/** `role show`. What is not told is undefined. */
export function parseRoleShow(text: string): RoleShown {
  const left = /(?:attempts? before lockout|Login Attempts Left)[^\d\n]*(\d+)/i.exec(text)?.[1];
  const change = /(?:Change password on next login|To Be Changed)\s*:\s*(yes|no)/i.exec(text)?.[1];
  return {
    attemptsLeft: left === undefined ? undefined : Number(left),
    mustChange: change === undefined ? undefined : /yes/i.test(change),
    initialized: /not (?:yet )?initiali[sz]ed/i.test(text) ? false : /Password|PIN/i.test(text) ? true : undefined,
  };
}

/** The labels in `partition contents`. */
export const parseContents = (text: string): string[] => [...text.matchAll(/^\s*(?:Object )?Label\s*:\s*(.+?)\s*$/gim)].map(([, label]) => label!);
