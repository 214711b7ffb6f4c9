/** What a person can act on: one sentence, no stack. */
export class SetupError extends Error {
  name = 'SetupError';
}

/** One line of progress. On standard error, so that a command's own output stays clean. */
export const say = (line) => process.stderr.write(`${line}\n`);

const minutes = (ms) => `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, '0')}`;

/**
 * Says what is being done, how long it usually takes, and, while it lasts, how long it has taken: redrawn in place on a terminal, a line every 30 s elsewhere.
 * `detail` may tell how far it is.
 */
export async function whileSaying(what, usually, work, detail = () => '') {
  const since = Date.now();
  const progress = () => `${what} … ${minutes(Date.now() - since)} (usually ${usually})${detail() ? `, ${detail()}` : ''}`;
  const terminal = process.stderr.isTTY === true;
  say(`${what} (usually ${usually})`);
  const ticking = setInterval(() => (terminal ? process.stderr.write(`\r\x1b[2K${progress()}`) : say(progress())), terminal ? 500 : 30_000);
  try {
    return await work();
  } finally {
    clearInterval(ticking);
    if (terminal) process.stderr.write('\r\x1b[2K');
    say(`${what}: ${minutes(Date.now() - since)}`);
  }
}
