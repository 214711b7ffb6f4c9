/** The longest pause that ARM recommends. A server that asks for more is asked again all the same. */
const longestPauseMs = 10 * 60_000;

/** When a server asks to be asked again: in seconds, as a date (RFC 9110 §10.2.3), in milliseconds, or only in its message; a date counts against the server’s own. Undefined where it does not say. */
export function pauseMs(header: (name: string) => string | undefined, message: string): number | undefined {
  const after = header('retry-after') ?? '';
  const milliseconds = [header('retry-after-ms'), header('x-ms-retry-after-ms')].find((value) => /^\d+$/.test(value ?? ''));
  const said = /try again after '?(\d+)'? seconds/i.exec(message)?.[1];
  const pause = milliseconds
    ? Number(milliseconds)
    : /^\d+$/.test(after)
      ? Number(after) * 1000
      : after !== ''
        ? Date.parse(after) - (Date.parse(header('date') ?? '') || Date.now())
        : Number(said ?? 0) * 1000;
  return pause > 0 ? Math.min(pause, longestPauseMs) : undefined;
}
