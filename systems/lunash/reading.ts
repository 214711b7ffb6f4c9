/**
 * How LunaSH's side of a conversation is read (docs/reference/luna.md#prompt): pure, and by meaning, because wording, spaces, case and line ends differ by version.
 * What it waits for is told from the end of what it printed; the banner and the rest do not count.
 */

/**
 * What LunaSH waits for. `unknown` is a question that nobody here knows; it is never answered. `so-password` is the one that the HSM’s SO has: a wrong answer
 * uses up one of three attempts. `so-password-to-be` is the one that an SO will have from now on.
 */
export type Waiting =
  | 'command'
  | 'new-password'
  | 'retype'
  | 'current-password'
  | 'so-password'
  | 'so-password-to-be'
  | 'so-password-again'
  | 'domain'
  | 'domain-again'
  | 'proceed'
  | 'few-attempts'
  | 'unknown';

/** Longer than any question with the caution before it. */
export const tailLength = 2_000;

/** Colors, and the switches that newer shells put around their prompt. */
const escapes = /\x1b\[[0-9;?]*[A-Za-z]/g;
const withoutEscapes = (text: string): string => text.replace(escapes, '').replaceAll('\r', '');

const prompt = /(?:\[[^\]\n]*\][^\S\n]*)?lunash:>\s*$/i;
/** The secret of somebody else: the auditor, a partition, a backup token, a PED. */
const anotherRole = /audit|partition|crypto|owner|backup|token|remote|radius|\bPED\b/i;
/** `Please enter a password for the HSM Administrator:`, not `Please enter the HSM Administrators' password:`. */
const toBeChosen = /\ba\s+password\b|\bnew\b[^.:]*\bpassword\b/i;
const thatThereIs = /\b(?:current|existing|old|present|log\s?in|sign\s?in|authenticat\w*)\b/i;
/** `This is your LAST available HSM Admin login attempt.` – `You have only TWO HSM Admin logins attempts left.` */
const fewAttempts = /\b(?:last|final|only)\b[^.]*\battempt/i;
const asksSomething =
  /(?:\?|->|\(y(?:es)?\/n(?:o)?\)|\[y(?:es)?\/n(?:o)?\]|(?:password|passphrase|PIN|challenge|(?<!last\s+)login|user\s*name)\s*:|(?:^|\n)[^\S\n]*>)\s*:?$/i;

/** `typed` is the line that was typed last: its echo is what we said, and no part of the question. */
export function waitingFor(printed: string, typed = ''): Waiting | undefined {
  const all = withoutEscapes(printed).trimEnd();
  if (prompt.test(all)) return 'command';
  const end = withoutEcho(all, typed);
  if (/re-?(?:type|enter)\s+(?:the\s+)?new\s+password\s*:$/i.test(end)) return 'retype';
  if (/new\s+(?:UNIX\s+)?password\s*:$/i.test(end)) return 'new-password';
  if (/(?:current|old)\)?\s+(?:UNIX\s+)?password\s*:$/i.test(end)) return 'current-password';
  const [, question] = /^([\s\S]*?)(?:^|\n)[^\S\n]*>$/.exec(end) ?? [];
  if (question !== undefined) return answerWanted(question);
  return asksSomething.test(end) ? 'unknown' : undefined;
}

/** What is to be typed at a `>` of its own, by the paragraph before it. */
function answerWanted(asked: string): Waiting {
  const question =
    asked
      .trimEnd()
      .split(/\n\s*\n/)
      .at(-1) ?? '';
  if (/proceed|password/i.test(question) && fewAttempts.test(asked)) return 'few-attempts';
  if (/proceed/i.test(question)) return 'proceed';
  const again = /\bre-?(?:enter|type)|\bconfirm|\bagain\b/i.test(question);
  if (/domain/i.test(question)) return again ? 'domain-again' : 'domain';
  if (!/password/i.test(question) || anotherRole.test(question)) return 'unknown';
  if (again) return 'so-password-again';
  return toBeChosen.test(question) && !thatThereIs.test(question) ? 'so-password-to-be' : 'so-password';
}

/** Can the question be left by `quit`? Only the line right before the answer counts: after it a password could be asked for, and any line would be one. */
export const offersQuit = (printed: string): boolean => /\bquit\b[^\n]*$/i.test(withoutEscapes(printed).trimEnd().replace(/\s*>$/, ''));

export interface LunaCode {
  /** As printed: `A00000`. */
  code: string;
  /** `LUNA_RET_UM_PIN_INCORRECT`. */
  symbol: string;
}

export interface Outcome {
  /** What the command printed, without its echo, the prompt and its result line. */
  text: string;
  /** 0 is success, but not reliable alone. Undefined where no result was told. */
  result: number | undefined;
  /** Each `Error:` sentence. */
  errors: string[];
  codes: LunaCode[];
  /** The commands of which it says `'…' successful.` */
  successes: string[];
}

/** The last one counts: what a command prints could quote another. */
const resultLine = /Command\s+Result\s*:\s*(\d+)/gi;

/** Reads everything that was printed for one command. */
export function readOutcome(printed: string, command: string): Outcome {
  const body = withoutEcho(withoutEscapes(printed), command).replace(prompt, '');
  const results = [...body.matchAll(resultLine)];
  return {
    text: body.replace(/Command\s+Result\s*:[^\n]*/gi, '').trim(),
    result: results.length > 0 ? Number(results.at(-1)![1]) : undefined,
    errors: [...body.matchAll(/^[^\S\n]*Error:\s*(.+)$/gim)].map(([, error]) => error!.trim()),
    codes: [...body.matchAll(/\(\s*(?:0x)?([0-9A-F]{3,8})\s*:\s*([A-Z][A-Z0-9_]+)\s*\)/g)].map(([, code, symbol]) => ({ code: code!, symbol: symbol! })),
    successes: [...body.matchAll(/'([^'\n]+)'\s+successful/gi)].map(([, name]) => name!),
  };
}

/** What was printed after the echo of a line that was typed, also where the terminal broke it or drew it anew. Without an echo nothing but a prompt is removed. */
export function withoutEcho(printed: string, typed: string): string {
  const letters = typed.replace(/\s/g, '');
  const start = /^\s*(?:\[[^\]\n]*\]\s*)?lunash:>/i.exec(printed)?.[0].length ?? 0;
  let at = start;
  for (const letter of letters) {
    while (/[\s\b]/.test(printed[at] ?? '')) at++;
    if (printed[at] !== letter) return printed.slice(start);
    at++;
  }
  return letters === '' ? printed.slice(start) : withoutEcho(printed.slice(at), typed);
}
