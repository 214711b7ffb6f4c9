import type { Duplex } from 'node:stream';
import type { SFTPWrapper } from 'ssh2';
import { refused, transient } from '../../domain/failure.ts';
import type { Job, Pinned } from '../../domain/results.ts';
import type { Outbound } from '../outbound.ts';
import { kept } from '../secrets/kept.ts';
import type { SecretStore } from '../secrets/store.ts';
import { type Executed, SignInRefused, SshConnection, signInRefused } from '../ssh/connection.ts';

/** The Windows host, over SSH with the key that the installation allowed. */
export interface Windows {
  open(job: Job, pinned: Pinned, signal: AbortSignal): Promise<WindowsSession>;
  /** A connection from the host to an address in its network. */
  socket(job: Job, pinned: Pinned, host: string, port: number, signal: AbortSignal): Promise<Duplex>;
}

const adminOf = ({ request }: Job): string => request.lunaClient.adminUser ?? 'LunaAdmin';

export function createWindows(outbound: Outbound, secrets: SecretStore): Windows {
  const connect = async (job: Job, { address, pin }: Pinned, signal: AbortSignal): Promise<SshConnection> => {
    const name = `the Windows host at ${address}`;
    const privateKey = await kept(secrets, job.target, 'windows-ssh-key');
    const socket = await reach(outbound, address, signal);
    return SshConnection.open(
      { name, socket, username: adminOf(job), privateKey, pin, algorithms: { serverHostKey: ['rsa-sha2-512', 'rsa-sha2-256'] } },
      signal,
    ).catch((error: unknown) => {
      throw error instanceof SignInRefused
        ? signInRefused(name, 'Look whether administrators_authorized_keys still holds this service’s key alone, then retry.')
        : error;
    });
  };
  return {
    open: async (job, pinned, signal) => new WindowsSession(await connect(job, pinned, signal), adminOf(job)),
    socket: async (job, pinned, host, port, signal) => (await connect(job, pinned, signal)).forward(host, port),
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
        tried: `connecting to ${address}:22`,
        seen: error instanceof Error ? error.message : String(error),
        source: 'the network',
        remedy: 'It is tried again by itself; if it lasts, look at routes and firewall rules.',
      },
      error,
    );
  }
}

/** Commands and files on the Windows host. */
export class WindowsSession {
  readonly #connection: SshConnection;
  readonly #admin: string;
  #sftp: Promise<SFTPWrapper> | undefined;

  constructor(connection: SshConnection, admin: string) {
    this.#connection = connection;
    this.#admin = admin;
  }

  exec(command: string): Promise<Executed> {
    return this.#connection.exec(command);
  }

  /** The text of a file; undefined where there is none. */
  async read(path: string): Promise<string | undefined> {
    const sftp = await this.#files();
    return new Promise((resolve, reject) =>
      sftp.readFile(sftpPath(path), (error, content) => {
        if (!error) resolve(content.toString('utf8'));
        else if ((error as { code?: unknown }).code === 2) resolve(undefined);
        else reject(error);
      }),
    );
  }

  async write(path: string, content: string): Promise<void> {
    const sftp = await this.#files();
    await new Promise<void>((resolve, reject) => sftp.writeFile(sftpPath(path), content, (error) => (error ? reject(error) : resolve())));
  }

  /** A file that only the administrator of this host may read; it is closed to others before anything is in it. */
  async writePrivately(path: string, content: string): Promise<void> {
    await this.write(path, '');
    const { code, output } = await this.exec(`icacls "${path}" /inheritance:r /grant:r "${this.#admin}:F"`);
    if (code !== 0)
      throw refused({
        tried: `closing ${path} to others`,
        seen: output.trim().slice(0, 200),
        source: 'the Windows host',
        remedy: 'Look at the host’s file system, then retry; nothing secret was written.',
      });
    await this.write(path, content);
  }

  async remove(path: string): Promise<void> {
    const sftp = await this.#files();
    await new Promise<void>((resolve) => sftp.unlink(sftpPath(path), () => resolve()));
  }

  end(): void {
    this.#connection.end();
  }

  #files(): Promise<SFTPWrapper> {
    this.#sftp ??= this.#connection.sftp();
    return this.#sftp;
  }
}

/** OpenSSH on Windows names `C:\folder` `/C:/folder`. */
const sftpPath = (path: string): string => `/${path.replaceAll('\\', '/')}`;
