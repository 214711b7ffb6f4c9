export type LogLevel = 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';

/** One JSON object a line, on the standard error output: what this worker says and what Temporal's SDK says look alike. */
export function log(level: LogLevel, message: string, facts: object = {}, time = new Date()): void {
  process.stderr.write(`${JSON.stringify({ time: time.toISOString(), level, message, ...facts })}\n`);
}
