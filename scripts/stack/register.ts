import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError } from './ready.ts';

interface Entry {
  name: string;
  pid: number;
  /** When the process started, in the system’s own words: a process id alone may belong to another program by now. */
  startTime: string;
}

interface Register {
  owner: Entry;
  children: Entry[];
}

const fileOf = (dataFolder: string) => join(dataFolder, 'run', 'processes.json');

/** When a living process started, in clock ticks since boot (Linux) or as `ps` tells it (macOS); undefined where there is none. */
const startTime = (pid: number): string | undefined => (existsSync('/proc/self/stat') ? startTimeFromProc : startTimeFromPs)(pid);

function startTimeFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : rest[18];
  } catch {
    return undefined;
  }
}

/** For systems without /proc. To the second, which is enough: ids come back only after all others were used. */
export function startTimeFromPs(pid: number): string | undefined {
  try {
    const said = execFileSync('ps', ['-o', 'stat=', '-o', 'lstart=', '-p', `${pid}`], {
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      encoding: 'utf8',
      stdio: 'pipe',
    });
    const [, state, time] = /^\s*(\S+)\s+(\S.*\S)\s*$/.exec(said) ?? [];
    return state === undefined || state.startsWith('Z') ? undefined : time;
  } catch {
    return undefined;
  }
}

const lives = ({ pid, startTime: then }: Entry): boolean => then !== '' && startTime(pid) === then;

/** Writes down which processes belong to the stack on this data folder, so that the next one can tell a living stack from what a killed one left behind. */
export function keepRegister(dataFolder: string, children: readonly { name: string; pid: number }[]): void {
  const entry = (name: string, pid: number): Entry => ({ name, pid, startTime: startTime(pid) ?? '' });
  const register: Register = { owner: entry('stack', process.pid), children: children.map(({ name, pid }) => entry(name, pid)) };
  mkdirSync(dirname(fileOf(dataFolder)), { recursive: true });
  writeFileSync(fileOf(dataFolder), JSON.stringify(register));
}

export const dropRegister = (dataFolder: string): void => rmSync(fileOf(dataFolder), { force: true });

/**
 * Ends what an earlier stack on this data folder left behind when it was killed: exactly the processes that it wrote down. Fails where that stack still
 * lives, because two must not share one data folder.
 */
export async function clearLeftovers(dataFolder: string): Promise<string[]> {
  const register = read(fileOf(dataFolder));
  if (!register) return [];
  if (lives(register.owner))
    throw new StackError(`A stack is already running on ${dataFolder} (process ${register.owner.pid}): use that one, or end it with Ctrl-C first.`);
  const left = register.children.filter(lives);
  for (const { pid } of left) process.kill(pid, 'SIGKILL');
  while (left.some(lives)) await sleep(20);
  dropRegister(dataFolder);
  return left.map(({ name, pid }) => `${name} (${pid})`);
}

function read(file: string): Register | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Register;
  } catch {
    return undefined;
  }
}
