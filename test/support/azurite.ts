import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { selfSigned } from '../../simulator/certificates.ts';

const program = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');
/** Microsoft's well-known account and key of its emulators. */
const account = 'devstoreaccount1';
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** Microsoft's own emulator of Blob Storage: a process with everything in memory, reached over https, which takes bearer tokens. */
export class Azurite {
  /** The account's address. */
  readonly url: string;
  readonly certificatePem: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  static async start(): Promise<Azurite> {
    const folder = await mkdtemp(join(tmpdir(), 'hsm-azurite-'));
    const { certificatePem, privateKeyPem } = await selfSigned({ commonName: 'Azurite', names: { ip: ['127.0.0.1'] } });
    const [cert, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    await Promise.all([writeFile(cert, certificatePem), writeFile(keyFile, privateKeyPem, { mode: 0o600 })]);
    const options = ['--inMemoryPersistence', '--silent', '--disableTelemetry', '--blobPort', '0', '--oauth', 'basic', '--cert', cert, '--key', keyFile];
    const child = spawn(process.execPath, [program, ...options], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface(child.stdout)) {
      const [, address] = /listens on (https:\S+)/.exec(line) ?? [];
      if (address) return new Azurite(child, folder, `${address}/${account}`, certificatePem);
    }
    throw new Error('Azurite ended before it was ready');
  }

  constructor(child: ChildProcess, folder: string, url: string, certificatePem: string) {
    this.#child = child;
    this.#folder = folder;
    this.url = url;
    this.certificatePem = certificatePem;
    child.stdout!.resume();
  }

  /** Whoever owns the account: creates containers, and does in them what the service under test does not expect. */
  owner(): BlobServiceClient {
    // Its pipeline takes an authority from outside, though the types do not say so.
    const trusting = { tlsOptions: { ca: this.certificatePem } };
    return new BlobServiceClient(this.url, new StorageSharedKeyCredential(account, key), trusting as object);
  }

  /** A new, empty container. */
  async container(name: string): Promise<string> {
    await this.owner().getContainerClient(name).create();
    return `${this.url}/${name}`;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
    await rm(this.#folder, { recursive: true });
  }
}
