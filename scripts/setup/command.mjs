import { spawn } from 'node:child_process';
import { onLeaving } from './leaving.mjs';

const remembered = 40;

/**
 * Runs a command without standard input and resolves with how it ended and the last lines that it wrote. `missing` is true where there is no such command.
 * `onLine` hears every line as it comes. It ends with this process.
 */
export function command(file, args, { cwd, env = process.env, onLine = () => {}, signal } = {}) {
  return new Promise((resolve) => {
    const lines = [];
    const child = spawn(file, args, { cwd, env, signal, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' });
    const stay = onLeaving(() => child.kill());
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
      resolve(how);
    };
    child.on('error', (error) => end({ code: 1, missing: error.code === 'ENOENT', lines: [...lines, error.message] }));
    child.on('close', (code) => end({ code: code ?? 1, missing: false, lines }));
  });
}

/** The PATH without this checkout's own node_modules/.bin, which a fresh install is about to replace. */
export const outerPath = (env, bin, delimiter) => ({
  ...env,
  PATH: (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== bin)
    .join(delimiter),
});
