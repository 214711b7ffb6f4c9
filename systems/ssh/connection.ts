import { createHash } from 'node:crypto';
import { Duplex, Readable } from 'node:stream';
import ssh2, { type AuthHandlerMiddleware, type ClientChannel, type ConnectConfig, type SFTPWrapper } from 'ssh2';
import { messageOf, refused, type StepFailure, transient, unsafe } from '../../domain/failure.ts';
import { onAbort } from '../aborting.ts';
import type { Sending, Wire } from '../fence.ts';
import { surviveLateErrors } from '../late-errors.ts';
import { holdCommands } from './held-commands.ts';
import { PasswordChangeWanted, PasswordSignIn, SignInRefused } from './password-sign-in.ts';
import { Way } from './way.ts';

export { PasswordChangeWanted, SignInRefused };

export interface SshTarget {
  /** Who it is, for messages: `the HSM at 172.22.1.4`. */
  name: string;
  socket: Duplex;
  username: string;
  password?: string;
  /** What to change the password to where that is wanted before the sign-in is over. */
  newPassword?: string;
  privateKey?: string;
  /** The host key that is expected, `SHA256:…`; at first contact none. */
  pin?: string;
  /** Hears of the host key before anything is sent to who presents it, and may object. */
  beforeSignIn?: (hostKey: string) => Promise<void>;
  /** Called once, right before the password is sent, and may object: what is lost before that has shown nobody a password. */
  beforePassword?: () => Promise<void>;
  algorithms?: ConnectConfig['algorithms'];
  /** What to do to trust a host again that was rebuilt on purpose. */
  trustAgain?: string;
  /** What to do where the two have no algorithm in common. */
  noAlgorithm?: string;
  silence?: Silence;
}

export interface Executed {
  output: string;
  code: number | undefined;
}

/** How often the other side is asked whether it is there, and how many times it may say nothing. */
export interface Silence {
  everyMs: number;
  times: number;
  /** How long signing in may take. */
  signInMs: number;
  /** How long the other side may take to close its end, once this side has. */
  endMs: number;
}

/** A dead connection is noticed after 24 seconds: the third question meets two unanswered ones. */
export const usualSilence: Silence = { everyMs: 8_000, times: 2, signInMs: 25_000, endMs: 5_000 };

/** What ssh shows as a host key’s fingerprint. */
export const pinOfKey = (key: Buffer): string => `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** One SSH connection. It ends with the signal of the attempt that opened it, and whatever is sent on it needs a permit of that attempt. */
export class SshConnection implements Wire {
  readonly #client: ssh2.Client;
  readonly #way: Way;
  readonly #name: string;
  /** What the commands that are being requested may leave at work. */
  readonly #acts = new Map<string, Sending | undefined>();
  readonly #closed: Promise<void>;
  readonly #endMs: number;
  /** The host key that was presented. */
  readonly pin: string;

  private constructor(client: ssh2.Client, way: Way, { name, silence = usualSilence }: Pick<SshTarget, 'name' | 'silence'>, pin: string) {
    this.#client = client;
    this.#way = way;
    this.#name = name;
    this.#endMs = silence.endMs;
    this.#closed = new Promise((resolve) => client.once('close', () => resolve()));
    this.pin = pin;
    holdCommands(client, (command) => way.permit(this.#acts.get(command)));
  }

  /** Connects and signs in. A wrong host key is `Unsafe`, a refused sign-in a SignInRefused, everything else `Transient`. */
  static open(target: SshTarget, signal: AbortSignal): Promise<SshConnection> {
    const { username, password, newPassword: next, beforePassword, privateKey, silence = usualSilence } = target;
    const socket = surviveLateErrors(target.socket);
    const client = surviveLateErrors(new ssh2.Client());
    const way = new Way(socket);
    const signIn = password === undefined ? undefined : new PasswordSignIn({ username, password, next, beforePassword, wire: way });
    let presented = '';
    return new Promise((resolve, reject) => {
      let stopListening = () => {};
      const fail = (error: unknown) => {
        stopListening();
        client.end();
        socket.destroy();
        reject(way.refusal ?? error);
      };
      stopListening = onAbort(signal, () => {
        way.reset();
        fail(signal.reason);
      });
      if (signal.aborted) return;
      const stop = () => fail(failureOf(target, presented, signIn, new Error('the sign-in was stopped')));
      const permitted = (send: () => void, act?: Sending): void => void way.permit(act).then(send).catch(fail);
      client.once('ready', () => resolve(new SshConnection(client, way, target, presented)));
      client.on('error', (error: Error & { level?: string }) => fail(failureOf(target, presented, signIn, error)));
      client.once('close', () => fail(failureOf(target, presented, signIn, new Error('the connection was closed'))));
      client.on('change password', (_message, done) => {
        const next = signIn?.change();
        if (next === undefined) stop();
        else permitted(() => done(next), 'lunash-new-password');
      });
      // `false` ends the sign-in, which the types of ssh2 do not say where a handler answers later.
      const signInBy =
        (chooser: PasswordSignIn): AuthHandlerMiddleware =>
        (offered, _, proceed) =>
          void chooser.choose(offered, { stop, fail }).then((method) => permitted(() => proceed(method as never)), fail);
      try {
        client.connect({
          sock: socket as never,
          username,
          readyTimeout: silence.signInMs,
          keepaliveInterval: silence.everyMs,
          keepaliveCountMax: silence.times,
          ...(signIn ? { password: password!, authHandler: signInBy(signIn) } : {}),
          ...(privateKey === undefined ? {} : { privateKey }),
          ...(target.algorithms ? { algorithms: target.algorithms } : {}),
          hostVerifier: (key: Buffer, verify: (isIt: boolean) => void) => {
            presented = pinOfKey(key);
            if (target.pin !== undefined && presented !== target.pin) return verify(false);
            void target.beforeSignIn?.(presented).then(() => verify(true), fail);
            if (!target.beforeSignIn) verify(true);
          },
        });
      } catch (error) {
        // A key that it cannot read, for one: the socket would stay open.
        fail(error);
      }
    });
  }

  /** Waits for something on this connection; it fails when the connection is lost. */
  async whileOpen<T>(tried: string, something: Promise<T>): Promise<T> {
    const lost = this.#closed.then(() => {
      throw this.#way.refusal ?? connectionLost(tried, new Error('the connection was closed'));
    });
    lost.catch(() => {});
    return Promise.race([something, lost]);
  }

  /** Runs one command without a terminal. */
  async exec(command: string, act?: Sending): Promise<Executed> {
    const attach = (channel: ClientChannel) => {
      let output = '';
      let ending: { code: number | undefined } | undefined;
      const add = (chunk: Buffer) => {
        output += chunk.toString('utf8');
      };
      channel.on('data', add);
      channel.stderr.on('data', add);
      channel.on('exit', (status: number | null) => {
        ending = { code: status ?? undefined };
      });
      const ended = new Promise<Executed>((resolve, reject) => {
        const lost = (error: Error) => reject(connectionLost(`running a command on ${this.#name}`, error));
        channel.on('error', lost);
        // A command whose end was not told may still be running.
        channel.on('close', () =>
          ending
            ? resolve({ output: output.replaceAll('\r\n', '\n'), code: ending.code })
            : lost(new Error('the connection was closed before the command ended')),
        );
      });
      return { ended };
    };
    const { ended } = await this.channel(command, attach, act);
    return ended;
  }

  /** See `Wire`: for what is sent on a channel of this connection. */
  permit(act?: Sending): Promise<void> {
    return this.#way.permit(act);
  }

  /** A channel that runs a command. `attach` gets it in the very callback that opens it: what comes in the same packet would be lost to later listeners. */
  channel<T>(command: string, attach: (channel: ClientChannel) => T, act?: Sending): Promise<T> {
    this.#acts.set(command, act);
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
      (channel: ClientChannel) => {
        this.#way.carries(channel);
        return channel.once('close', () => this.end());
      },
    );
  }

  /** Ends it in order, and soon: whoever waits until it is over must not wait for a peer that never closes its end. */
  end(): void {
    this.#client.end();
    const timer = setTimeout(() => this.#way.reset(), this.#endMs);
    void this.#closed.then(() => clearTimeout(timer));
  }

  /** Calls back when the connection is over, whoever ended it. */
  onceClosed(listener: () => void): void {
    this.#client.once('close', listener);
  }

  #opened<Opened extends ClientChannel | SFTPWrapper, T>(
    tried: string,
    open: (done: (error: Error | undefined, opened: Opened) => void) => void,
    attach: (opened: Opened) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const lost = () => reject(this.#way.refusal ?? connectionLost(tried, new Error('the connection was closed')));
      const done = (error: Error | undefined, opened?: Opened) => {
        this.#client.off('close', lost);
        if (error) return reject(connectionLost(tried, error));
        if (opened instanceof Duplex) this.#way.includes(opened);
        // ssh2 would take an error that is thrown here for one of the connection, and nobody would hear that this did not come about.
        try {
          resolve(attach(surviving(opened!)));
        } catch (mistake) {
          reject(mistake);
        }
      };
      this.#client.once('close', lost);
      try {
        open(done);
      } catch (error) {
        // ssh2 throws where the connection is over already.
        done(error as Error);
      }
    });
  }
}

/** A channel has a stream for what the command says of errors beside it. */
function surviving<Opened extends ClientChannel | SFTPWrapper>(opened: Opened): Opened {
  surviveLateErrors(opened);
  // SFTP has something in its place that is no emitter.
  if ('stderr' in opened && opened.stderr instanceof Readable) surviveLateErrors(opened.stderr);
  return opened;
}

export const connectionLost = (tried: string, error: unknown): StepFailure =>
  transient({ code: 'SSH_CONNECTION_FAILED', tried, summary: messageOf(error), remedy: 'It is tried again by itself.' }, error);

/** Why there is no connection, by what was known when it ended. */
function failureOf(target: SshTarget, presented: string, signIn: PasswordSignIn | undefined, error: Error & { level?: string }): unknown {
  const { name, pin, noAlgorithm } = target;
  const tried = `signing in to ${name} as ${target.username}`;
  if (pin !== undefined && presented !== '' && presented !== pin) return wrongHostKey(tried, presented, pin, target.trustAgain);
  if (error.level === 'handshake' && /no matching/i.test(error.message) && noAlgorithm !== undefined)
    return refused({ code: 'SSH_NO_COMMON_ALGORITHM', tried, summary: error.message, remedy: noAlgorithm }, error);
  if (signIn?.stopped === 'change wanted') return new PasswordChangeWanted(`${name} wants a new password`, presented);
  if (typeof signIn?.stopped === 'object')
    return unsafe({
      code: 'HSM_UNKNOWN_QUESTION',
      tried,
      summary: 'it asks something unknown',
      evidence: { source: 'The SSH server', text: signIn.stopped.question.slice(0, 120) },
      remedy: 'Nothing was answered. Sign in yourself to see what it wants, then retry.',
    });
  const wasRefused = error.level === 'client-authentication' || signIn?.stopped === 'wrong';
  if (wasRefused && signIn?.newPasswordSent)
    return refused({
      code: 'HSM_APPLIANCE_PASSWORD_NOT_TAKEN',
      tried: `replacing the password of ${name}`,
      summary: 'the new one was not taken',
      remedy: 'The old password still holds. Check the rules for passwords, then retry.',
    });
  return wasRefused ? new SignInRefused(`${name} refused the sign-in`, presented) : connectionLost(tried, error);
}

export const wrongHostKey = (tried: string, presented: string, pin: string, trustAgain = ''): StepFailure =>
  unsafe({
    code: 'SSH_HOST_KEY_CHANGED',
    tried,
    summary: `the host key is ${presented}, not ${pin}`,
    remedy: `No password was sent. Find out whether the host was rebuilt or somebody stands in between before you retry. ${trustAgain}`.trim(),
  });

export const signInRefused = (code: 'HSM_APPLIANCE_PASSWORD_REFUSED' | 'WINDOWS_SIGN_IN_REFUSED', name: string, remedy: string): StepFailure =>
  refused({ code, tried: `signing in to ${name}`, summary: 'the sign-in was refused', remedy });

/** What is safe today: of ssh2’s usual algorithms, signatures with SHA-1 are left out. */
export const modernAlgorithms: NonNullable<ConnectConfig['algorithms']> = { serverHostKey: { append: [], prepend: [], remove: ['ssh-rsa'] } };

/** For appliances that offer nothing better; after the modern ones. `ssh-rsa` is among ssh2’s usual host keys. */
export const oldAlgorithms: NonNullable<ConnectConfig['algorithms']> = {
  kex: { append: ['diffie-hellman-group14-sha1', 'diffie-hellman-group-exchange-sha1', 'diffie-hellman-group1-sha1'], prepend: [], remove: [] },
  cipher: { append: ['aes256-cbc', 'aes192-cbc', 'aes128-cbc', '3des-cbc'], prepend: [], remove: [] },
  hmac: { append: ['hmac-sha1'], prepend: [], remove: [] },
};
