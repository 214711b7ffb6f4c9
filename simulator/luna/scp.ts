import type { ServerChannel } from 'ssh2';
import { type Entry, settle } from '../request-log.ts';
import type { World } from '../world.ts';
import { Cut } from './session.ts';
import type { ApplianceState } from './state.ts';

/** One run of scp on the appliance, as sshd starts it. */
export interface Copy {
  world: World;
  state: ApplianceState;
  channel: ServerChannel;
  path: string;
  /** Times are wanted, too (`-p`). */
  times: boolean;
  entry: Entry;
  hangUp(): void;
}

const largestFile = 64 * 2 ** 20;
const fileName = (path: string): string => path.replace(/^.*\//, '').replace(/^[.~]*$/, '');

/** What scp says when it cannot go on; it ends then. */
class Fatal extends Error {}

/** Reads bytes off a channel in the amounts that the protocol asks for. */
function reader(channel: ServerChannel) {
  let chunks: Buffer[] = [];
  let size = 0;
  let gone = false;
  let wake = () => {};
  channel.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    wake();
  });
  for (const event of ['close', 'end'])
    channel.on(event, () => {
      gone = true;
      wake();
    });
  const bytes = async (wanted: number): Promise<Buffer> => {
    while (size < wanted) {
      if (gone) throw new Cut();
      await new Promise<void>((resolve) => (wake = resolve));
    }
    const all = Buffer.concat(chunks);
    chunks = [all.subarray(wanted)];
    size -= wanted;
    return all.subarray(0, wanted);
  };
  return {
    bytes,
    async line(): Promise<string> {
      let text = '';
      for (let letter = ''; letter !== '\n'; text += letter) letter = (await bytes(1)).toString('latin1');
      return Buffer.from(text, 'latin1').toString('utf8').trimEnd();
    },
    /** The other side’s yes. */
    async agreed(): Promise<void> {
      if ((await bytes(1))[0] !== 0) throw new Cut();
    },
  };
}

/** Runs one copy; faults, refusals and a client that goes away included. */
export async function copy(direction: 'get' | 'put', task: Copy): Promise<void> {
  const { channel, entry } = task;
  try {
    await (direction === 'get' ? give : take)(task, reader(channel));
    channel.exit(0);
  } catch (error) {
    if (error instanceof Cut) settle(entry, 'cut');
    else if (!(error instanceof Fatal)) throw error;
    else {
      settle(entry, 'refused', error.message);
      channel.write(`\x01scp: ${error.message}\n`);
      channel.exit(1);
    }
  }
  channel.end();
}

async function strike({ world, entry, hangUp }: Copy) {
  const fault = await world.faults.strike(entry.operation);
  if (fault?.kind === 'slow') await world.clock.sleepMinutes(fault.amount ?? 1);
  if (fault?.kind === 'fail' || fault?.kind === 'error') throw new Fatal(fault.message ?? 'Input/output error');
  if (fault?.kind === 'reset') {
    hangUp();
    throw new Cut();
  }
  return fault?.kind;
}

/** `scp -f name`: gives a file of the user’s. */
async function give(task: Copy, input: ReturnType<typeof reader>): Promise<void> {
  const { state, channel, path, times, entry, hangUp } = task;
  const fault = await strike(task);
  const name = fileName(path);
  const content = state.files[name];
  if (content === undefined) throw new Fatal(`${name}: No such file or directory`);
  await input.agreed();
  if (times) {
    channel.write('T1543104000 0 1543104000 0\n');
    await input.agreed();
  }
  channel.write(`C0644 ${Buffer.byteLength(content)} ${name}\n`);
  await input.agreed();
  channel.write(`${content}\0`);
  if (fault === 'reset-after-accept') hangUp();
  else await input.agreed();
  settle(entry, 'done');
}

/** `scp -t path`: takes a file into the user’s area. */
async function take(task: Copy, input: ReturnType<typeof reader>): Promise<void> {
  const { world, state, channel, path, entry, hangUp } = task;
  const yes = () => channel.write('\0');
  yes();
  let header = await input.line();
  while (header.startsWith('T')) {
    yes();
    header = await input.line();
  }
  const [, size, sentName] = /^C[0-7]{4} (\d+) ([^/]+)$/.exec(header) ?? [];
  if (!size || !sentName || sentName === '..') throw new Fatal(`protocol error: ${header}`);
  if (Number(size) > largestFile) throw new Fatal(`${sentName}: No space left on device`);
  yes();
  const content = (await input.bytes(Number(size))).toString('utf8');
  await input.agreed();
  const fault = await strike(task);
  if (fault !== 'lie') state.files[fileName(path) || sentName] = content;
  settle(entry, fault === 'lie' ? 'lied' : 'done');
  world.changed();
  if (fault === 'reset-after-accept') return hangUp();
  yes();
}
