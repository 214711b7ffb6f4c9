import type { ServerChannel } from 'ssh2';
import { type Entry, settle } from '../ledger.ts';
import type { World } from '../world.ts';
import type { ApplianceState } from './state.ts';

const fileName = (path: string): string => path.replace(/^.*\//, '').replace(/^\.$/, '');
const fatal = (channel: ServerChannel, text: string) => {
  channel.write(`\x01scp: ${text}\n`);
  channel.exit(1);
  channel.end();
};

/** Reads bytes off a channel in the amounts that the protocol asks for. */
function reader(channel: ServerChannel) {
  let held = Buffer.alloc(0);
  let wake = () => {};
  channel.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    wake();
  });
  const more = () => new Promise<void>((resolve) => (wake = resolve));
  return {
    async bytes(size: number): Promise<Buffer> {
      while (held.length < size) await more();
      const taken = held.subarray(0, size);
      held = held.subarray(size);
      return taken;
    },
    async line(): Promise<string> {
      while (!held.includes(10)) await more();
      return (await this.bytes(held.indexOf(10) + 1)).toString('utf8').trimEnd();
    },
  };
}

/** `scp -f name`: gives a file of the user’s. */
export async function give(world: World, state: ApplianceState, channel: ServerChannel, path: string, entry: Entry): Promise<void> {
  const input = reader(channel);
  await world.weather.strike(entry.operation);
  const name = fileName(path);
  const content = state.files[name];
  if (content === undefined) {
    settle(entry, 'refused', 'no such file');
    return fatal(channel, `${name}: No such file or directory`);
  }
  await input.bytes(1);
  channel.write(`C0644 ${Buffer.byteLength(content)} ${name}\n`);
  await input.bytes(1);
  channel.write(content);
  channel.write('\0');
  await input.bytes(1);
  settle(entry, 'done');
  channel.exit(0);
  channel.end();
}

/** `scp -t path`: takes a file into the user’s area. */
export async function take(world: World, state: ApplianceState, channel: ServerChannel, path: string, entry: Entry): Promise<void> {
  const input = reader(channel);
  channel.write('\0');
  let header = await input.line();
  while (header.startsWith('T')) {
    channel.write('\0');
    header = await input.line();
  }
  const [, size, sentName] = /^C\d{4} (\d+) (.+)$/.exec(header) ?? [];
  if (!size || !sentName) return fatal(channel, 'protocol error');
  channel.write('\0');
  const content = (await input.bytes(Number(size))).toString('utf8');
  await input.bytes(1);
  const fault = await world.weather.strike(entry.operation);
  if (fault?.kind !== 'lie') state.files[fileName(path) || sentName] = content;
  settle(entry, fault?.kind === 'lie' ? 'lied' : 'done');
  world.changed();
  channel.write('\0');
  channel.exit(0);
  channel.end();
}
