import type { Duplex } from 'node:stream';
import type { SFTPWrapper } from 'ssh2';
import { messageOf, quoting, refused, transient } from '../../domain/failure.ts';
import type { PinnedHost, StepContext } from '../../domain/results.ts';
import { requireSecret } from '../../stores/secrets/kept.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import { partOf, type Sending } from '../fence.ts';
import { codeOf } from '../foreign.ts';
import type { Outbound } from '../outbound.ts';
import { connectionLost, type Executed, SignInRefused, SshConnection, signInRefused } from '../ssh/connection.ts';

/** The Windows host, over SSH with the key that the installation allowed. */
export interface Windows {
  open(job: StepContext, pinned: PinnedHost, signal: AbortSignal): Promise<WindowsSession>;
  /** A connection from the host to an address in its network. */
  socket(job: StepContext, pinned: PinnedHost, to: { address: string; port: number }, signal: AbortSignal): Promise<Duplex>;
}

const adminOf = ({ request }: StepContext): string => request.lunaClient.adminUser ?? 'LunaAdmin';

export function createWindows(outbound: Outbound, secrets: SecretStore): Windows {
  const connect = async (job: StepContext, { address, pin }: PinnedHost, signal: AbortSignal): Promise<SshConnection> => {
    const name = `the Windows host at ${address}`;
    const privateKey = await requireSecret(secrets, job.target, 'windows-ssh-key');
    const socket = await reach(outbound, address, signal);
    return SshConnection.open(
      { name, socket, username: adminOf(job), privateKey, pin, algorithms: { serverHostKey: ['rsa-sha2-512', 'rsa-sha2-256'] } },
      signal,
    ).catch((error: unknown) => {
      throw error instanceof SignInRefused
        ? signInRefused('WINDOWS_SIGN_IN_REFUSED', name, 'Check that administrators_authorized_keys still holds this service’s key alone, then retry.')
        : error;
    });
  };
  return {
    open: async (job, pinned, signal) => new WindowsSession(await connect(job, pinned, signal), adminOf(job)),
    async socket(job, pinned, { address, port }, signal) {
      const connection = await connect(job, pinned, signal);
      return connection.forward(address, port).catch((error: unknown) => {
        connection.end();
        throw error;
      });
    },
  };
}

/** A socket to port 22, or a failure that says who could not be reached. */
export async function reach(outbound: Outbound, address: string, signal: AbortSignal): Promise<Duplex> {
  try {
    return await outbound.socket(address, 22, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw transient(
      {
        code: 'SSH_CONNECTION_FAILED',
        tried: `connecting to ${address}:22`,
        summary: messageOf(error),
        remedy: 'It is tried again by itself; if it lasts, check routes and firewall rules.',
      },
      error,
    );
  }
}

type Question<T> = (sftp: SFTPWrapper, resolve: (value: T) => void, reject: (error: Error) => void) => void;

/** What every server takes in one request. */
const writeBytes = 16_384;

/** Commands and files on the Windows host. */
export class WindowsSession {
  readonly #connection: SshConnection;
  readonly #admin: string;
  #sftp: Promise<SFTPWrapper> | undefined;

  constructor(connection: SshConnection, admin: string) {
    this.#connection = connection;
    this.#admin = admin;
  }

  /** Every command needs a permit; `act` where it may go on when nobody waits for it any more. */
  exec(command: string, act?: Sending): Promise<Executed> {
    return this.#connection.exec(command, act);
  }

  /** The text of a file; undefined where there is none. */
  read(path: string): Promise<string | undefined> {
    return this.#over(`reading ${path}`, (sftp, resolve, reject) =>
      sftp.readFile(sftpPath(path), (error, content) => {
        if (!error) resolve(content.toString('utf8'));
        else if (isMissing(error)) resolve(undefined);
        else reject(error);
      }),
    );
  }

  /** Replaces a file's content. Each request of it needs a permit of its own; `act` where what is written gives the host a secret. */
  async write(path: string, content: string, act?: Sending): Promise<void> {
    const tried = `writing ${path}`;
    const bytes = Buffer.from(content);
    const open: Question<Buffer> = (sftp, resolve, reject) => sftp.open(sftpPath(path), 'w', (error, opened) => (error ? reject(error) : resolve(opened)));
    const handle = await this.#changing(tried, open, act);
    for (let at = 0; at < bytes.length; at += writeBytes) {
      const length = Math.min(writeBytes, bytes.length - at);
      const write: Question<void> = (sftp, resolve, reject) => sftp.write(handle, bytes, at, length, at, (error) => (error ? reject(error) : resolve()));
      await this.#changing(tried, write, partOf(act));
    }
    await this.#over<void>(tried, (sftp, resolve, reject) => sftp.close(handle, (error) => (error ? reject(error) : resolve())));
  }

  /** The names in a folder; none where there is no such folder. */
  list(folder: string): Promise<string[]> {
    return this.#over(`listing ${folder}`, (sftp, resolve, reject) =>
      sftp.readdir(sftpPath(folder), (error, entries) => {
        if (!error) resolve(entries.map(({ filename }) => filename));
        else if (isMissing(error)) resolve([]);
        else reject(error);
      }),
    );
  }

  /** A file that only the administrator of this host may read; it is closed to others before anything is in it. */
  async writePrivately(path: string, content: string, act?: Sending): Promise<void> {
    await this.write(path, '');
    const { code, output } = await this.exec(`icacls "${path}" /inheritance:r /grant:r "${this.#admin}:F"`);
    if (code !== 0)
      throw refused({
        code: 'WINDOWS_FILE_FAILED',
        tried: `closing ${path} to others`,
        summary: 'icacls failed',
        ...quoting('icacls', output.trim().slice(0, 200)),
        remedy: 'Check the host’s file system, then retry; nothing secret was written.',
      });
    await this.write(path, content, act);
  }

  /** Is the file gone? Windows keeps one that a program has open. */
  remove(path: string): Promise<boolean> {
    return this.#changing(`removing ${path}`, (sftp, resolve, reject) =>
      sftp.unlink(sftpPath(path), (error) => {
        if (!error || isMissing(error)) resolve(true);
        else if (lostWith(error)) reject(error);
        else resolve(false);
      }),
    );
  }

  end(): void {
    this.#connection.end();
  }

  #changing<T>(tried: string, ask: Question<T>, act?: Sending): Promise<T> {
    return this.#over(tried, ask, () => this.#connection.permit(act));
  }

  /** What is asked over a connection that is gone is never answered. `before` is what must come right before the request. */
  async #over<T>(tried: string, ask: Question<T>, before = async () => {}): Promise<T> {
    this.#sftp ??= this.#connection.sftp();
    const sftp = await this.#sftp;
    await before();
    const failed = (error: Error) =>
      refused(
        {
          code: 'WINDOWS_FILE_FAILED',
          tried: `${tried} on the Windows host`,
          summary: 'the host refused it',
          evidence: { source: 'The host’s SFTP server', text: error.message },
          remedy: 'Check the host’s file system, then retry.',
        },
        error,
      );
    const answer = new Promise<T>((resolve, reject) => ask(sftp, resolve, (error) => reject(lostWith(error) ?? failed(error))));
    return this.#connection.whileOpen(tried, answer);
  }
}

/** ssh2 has no code for an answer that never came; the connection itself says so, too, a moment later. */
const lostWith = (error: Error): Error | undefined => (codeOf(error) === undefined ? connectionLost('asking the Windows host', error) : undefined);

const isMissing = (error: Error): boolean => codeOf(error) === 2;

/** OpenSSH on Windows names `C:\folder` `/C:/folder`. */
const sftpPath = (path: string): string => `/${path.replaceAll('\\', '/')}`;
