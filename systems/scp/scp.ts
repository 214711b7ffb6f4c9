import type { ClientChannel } from 'ssh2';
import { refused } from '../../domain/failure.ts';
import { connectionLost, type SshConnection } from '../ssh/connection.ts';

const ok = '\0';

/** Reads what the other side sends, in the amounts that the protocol (RCP) asks for. */
class Incoming {
  #held = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};
  readonly #tried: string;

  constructor(channel: ClientChannel, tried: string) {
    this.#tried = tried;
    channel.on('data', (chunk: Buffer) => {
      this.#held = Buffer.concat([this.#held, chunk]);
      this.#wake();
    });
    channel.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  async bytes(size: number): Promise<Buffer> {
    await this.#until(() => this.#held.length >= size);
    const taken = this.#held.subarray(0, size);
    this.#held = this.#held.subarray(size);
    return taken;
  }

  async line(): Promise<string> {
    await this.#until(() => this.#held.includes(10));
    return (await this.bytes(this.#held.indexOf(10) + 1)).toString('utf8').trimEnd();
  }

  /** A zero byte is a yes; one or two begin a line that says why not. */
  async yes(): Promise<void> {
    const [code] = await this.bytes(1);
    if (code !== 0) throw this.no(await this.line());
  }

  no(why: string): Error {
    return refused({
      tried: this.#tried,
      seen: why.replace(/^scp:\s*/, ''),
      source: 'the appliance’s scp',
      remedy: 'Look at the files of tenantadmin (my file list), then retry.',
    });
  }

  async #until(enough: () => boolean): Promise<void> {
    while (!enough()) {
      if (this.#ended) throw connectionLost(this.#tried, new Error('it ended early'));
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** `scp host:name .`: the text of a file of the signed-in user. */
export async function fetchFile(connection: SshConnection, name: string): Promise<string> {
  const tried = `fetching ${name} with scp`;
  const { channel, incoming } = await connection.channel(`scp -f ${name}`, (opened) => ({ channel: opened, incoming: new Incoming(opened, tried) }));
  channel.write(ok);
  let header = await incoming.line();
  while (header.startsWith('T')) {
    channel.write(ok);
    header = await incoming.line();
  }
  const [, size] = /^C\d{4} (\d+) /.exec(header) ?? [];
  if (!size) throw incoming.no(header.replace(/^[\x01\x02]/, ''));
  channel.write(ok);
  const content = await incoming.bytes(Number(size));
  await incoming.yes();
  channel.write(ok);
  channel.end();
  return content.toString('utf8');
}

/** `scp name host:`: puts a file into the area of the signed-in user. */
export async function putFile(connection: SshConnection, name: string, content: string): Promise<void> {
  const { channel, incoming } = await connection.channel(`scp -t ${name}`, (opened) => ({
    channel: opened,
    incoming: new Incoming(opened, `putting ${name} with scp`),
  }));
  await incoming.yes();
  channel.write(`C0644 ${Buffer.byteLength(content)} ${name}\n`);
  await incoming.yes();
  channel.write(content);
  channel.write(ok);
  await incoming.yes();
  channel.end();
}
