import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError } from './ready.ts';

interface Entry {
  name: string;
  pid: number;
  /** Start time of the process in clock ticks since boot: a process id alone may belong to another program by now. */
  startTime: string;
}

interface Register {
  owner: Entry;
  children: Entry[];
}

const fileOf = (dataFolder: string) => join(dataFolder, 'run', 'processes.json');

/** The start time of a living process, from Linux’s /proc/PID/stat; undefined where there is none, or no such file system. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : rest[18];
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
