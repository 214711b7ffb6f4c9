import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import ssh2, { type ClientChannel, type ConnectConfig, type SFTPWrapper } from 'ssh2';
import { refused, type StepFailure, transient, unsafe } from '../../domain/failure.ts';

export interface SshTarget {
  /** Who it is, for messages: `the HSM at 172.22.1.4`. */
  name: string;
  socket: Duplex;
  username: string;
  password?: string;
  privateKey?: string;
  /** The host key that is expected, `SHA256:…`; at first contact none. */
  pin?: string;
  algorithms?: ConnectConfig['algorithms'];
}

export interface Executed {
  output: string;
  code: number | undefined;
}

const readyTimeoutMs = 30_000;

/** What ssh shows as a host key’s fingerprint. */
export const pinOfKey = (key: Buffer): string => `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** The password or key was not accepted. Whether that is a failure is for the caller to say. */
export class SignInRefused extends Error {}

/** One SSH connection. It ends with the signal of the attempt that opened it. */
export class SshConnection {
  readonly #client: ssh2.Client;
  readonly #name: string;
  /** The host key that was presented. */
  readonly pin: string;

  private constructor(client: ssh2.Client, name: string, pin: string) {
    this.#client = client;
    this.#name = name;
    this.pin = pin;
  }

  /** Connects and signs in. A wrong host key is `Unsafe`, a refused sign-in a SignInRefused, everything else `Transient`. */
  static open(target: SshTarget, signal: AbortSignal): Promise<SshConnection> {
    const client = new ssh2.Client();
    const tried = `signing in to ${target.name} as ${target.username}`;
    let presented = '';
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        client.end();
        target.socket.destroy();
        reject(error);
      };
      client.once('ready', () => resolve(new SshConnection(client, target.name, presented)));
      client.on('error', (error: Error & { level?: string }) => {
        if (target.pin !== undefined && presented !== '' && presented !== target.pin) fail(wrongHostKey(tried, presented, target.pin));
        else if (error.level === 'client-authentication') fail(new SignInRefused(`${target.name} refused the sign-in`));
        else fail(connectionLost(tried, error));
      });
      client.once('close', () => fail(connectionLost(tried, new Error('the connection was closed'))));
      client.on('keyboard-interactive', (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => target.password ?? '')));
      signal.addEventListener('abort', () => client.destroy(), { once: true });
      client.connect({
        sock: target.socket as never,
        username: target.username,
        readyTimeout: readyTimeoutMs,
        keepaliveInterval: 10_000,
        keepaliveCountMax: 3,
        ...(target.password === undefined ? {} : { password: target.password, tryKeyboard: true }),
        ...(target.privateKey === undefined ? {} : { privateKey: target.privateKey }),
        ...(target.algorithms ? { algorithms: target.algorithms } : {}),
        hostVerifier: (key: Buffer) => {
          presented = pinOfKey(key);
          return target.pin === undefined || presented === target.pin;
        },
      });
    });
  }

  /** Runs one command without a terminal. */
  async exec(command: string): Promise<Executed> {
    const { ended } = await this.channel(command, (channel) => {
      let output = '';
      let code: number | undefined;
      const add = (chunk: Buffer) => {
        output += chunk.toString('utf8');
      };
      channel.on('data', add);
      channel.stderr.on('data', add);
      channel.on('exit', (status: number) => {
        code = status;
      });
      const ended = new Promise<Executed>((resolve, reject) => {
        channel.on('error', (error: Error) => reject(connectionLost(`running a command on ${this.#name}`, error)));
        channel.on('close', () => resolve({ output: output.replaceAll('\r\n', '\n'), code }));
      });
      return { ended };
    });
    return ended;
  }

  /** A channel that runs a command. `attach` gets it in the very callback that opens it: what comes in the same packet would be lost to later listeners. */
  channel<T>(command: string, attach: (channel: ClientChannel) => T): Promise<T> {
    return this.#opened(`running a command on ${this.#name}`, (done) => void this.#client.exec(command, done), attach);
  }

  /** A terminal, wide enough that nothing is wrapped. */
  shell<T>(attach: (channel: ClientChannel) => T): Promise<T> {
    return this.#opened(`opening a shell on ${this.#name}`, (done) => void this.#client.shell({ term: 'vt100', cols: 200, rows: 1000 }, done), attach);
  }

  sftp(): Promise<SFTPWrapper> {
    return this.#opened(
      `opening SFTP on ${this.#name}`,
      (done) => void this.#client.sftp(done),
      (sftp: SFTPWrapper) => sftp,
    );
  }

  /** A connection from that host to somewhere else; this one ends with it. */
  forward(host: string, port: number): Promise<Duplex> {
    return this.#opened(
      `reaching ${host}:${port} through ${this.#name}`,
      (done) => void this.#client.forwardOut('127.0.0.1', 0, host, port, done),
      (channel: ClientChannel) => channel.once('close', () => this.end()),
    );
  }

  end(): void {
    this.#client.end();
  }

  #opened<Opened, T>(tried: string, open: (done: (error: Error | undefined, opened: Opened) => void) => void, attach: (opened: Opened) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const lost = () => reject(connectionLost(tried, new Error('the connection was closed')));
      this.#client.once('close', lost);
      open((error, opened) => {
        this.#client.off('close', lost);
        if (error) reject(connectionLost(tried, error));
        else resolve(attach(opened));
      });
    });
  }
}

export const connectionLost = (tried: string, error: unknown): StepFailure =>
  transient({ tried, seen: error instanceof Error ? error.message : String(error), source: 'the connection', remedy: 'It is tried again by itself.' }, error);

const wrongHostKey = (tried: string, presented: string, pin: string): StepFailure =>
  unsafe({
    tried,
    seen: `the host key is ${presented}, not ${pin}`,
    source: 'SSH',
    remedy: 'No password was sent. Find out whether the host was rebuilt or somebody stands in between before you retry.',
  });

export const signInRefused = (name: string, remedy: string): StepFailure =>
  refused({ tried: `signing in to ${name}`, seen: 'the sign-in was refused', source: 'SSH', remedy });

/** Appliance software 7.2 offers old algorithms only; they are allowed for the appliance alone, and after the modern ones. */
export const legacyAlgorithms: NonNullable<ConnectConfig['algorithms']> = {
  kex: { append: ['diffie-hellman-group14-sha1', 'diffie-hellman-group-exchange-sha1', 'diffie-hellman-group1-sha1'], prepend: [], remove: [] },
  serverHostKey: { append: ['ssh-rsa'], prepend: [], remove: [] },
  cipher: { append: ['aes256-cbc', 'aes128-cbc'], prepend: [], remove: [] },
  hmac: { append: ['hmac-sha1'], prepend: [], remove: [] },
};
