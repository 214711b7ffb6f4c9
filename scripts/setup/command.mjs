import { spawn } from 'node:child_process';
import { isLeaving, onLeaving } from './leaving.mjs';

const remembered = 40;
/** How long a command may take to end that was told to. */
const graceMs = 5_000;

/**
 * Runs a command without standard input and resolves with how it ended and the last lines that it wrote. `missing` is true where there is no such command.
 * `onLine` hears every line as it comes. It ends with this process, which waits for that: what it leaves half done must not go on beside the next attempt.
 */
export function command(file, args, { cwd, env = process.env, onLine = () => {}, signal } = {}) {
  return new Promise((resolve) => {
    const lines = [];
    const child = spawn(file, args, { cwd, env, signal, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' });
    const stay = onLeaving(() => ended(child));
    const take = (stream) => {
      let rest = '';
      stream.setEncoding('utf8').on('data', (chunk) => {
        const parts = (rest + chunk).split('\n');
        rest = parts.pop();
        for (const line of parts) {
          lines.push(line);
          if (lines.length > remembered) lines.shift();
          onLine(line);
        }
      });
      stream.on('end', () => rest && lines.push(rest));
    };
    take(child.stdout);
    take(child.stderr);
    const end = (how) => {
      stay();
      if (!isLeaving()) resolve(how);
    };
    child.on('error', (error) => end({ code: 1, missing: error.code === 'ENOENT', lines: [...lines, error.message] }));
    child.on('close', (code) => end({ code: code ?? 1, missing: false, lines }));
  });
}

/** Tells a process to end, and kills one that does not, or was told before. */
function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  if (child.killed) return child.kill('SIGKILL');
  child.kill();
  const grace = setTimeout(() => child.kill('SIGKILL'), graceMs);
  return new Promise((resolve) => child.once('exit', resolve)).finally(() => clearTimeout(grace));
}

/** The PATH without this checkout's own node_modules/.bin, which a fresh install is about to replace. */
export const outerPath = (env, bin, delimiter) => ({
  ...env,
  PATH: (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== bin)
    .join(delimiter),
});
