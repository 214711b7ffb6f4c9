import { createPrivateKey } from 'node:crypto';
import { selfSigned } from '../certificates.ts';
import type { Appliance, NtlsAttempt, World } from '../world.ts';
import { Processes } from './processes.ts';
import { clientFolder, Files, type HostState } from './state.ts';

/** The Luna client’s own files on a host: configuration, certificates, servers. lunacm and vtl work on them. */
export class LunaClient {
  readonly world: World;
  readonly state: HostState;
  readonly files: Files;
  readonly processes = new Processes();

  constructor(world: World, state: HostState) {
    this.world = world;
    this.state = state;
    this.files = new Files(state);
  }

  get #configuration(): string {
    return `${this.state.configurationFolder ?? clientFolder}\\crystoki.ini`;
  }

  setting(name: string): string {
    const text = this.files.text(this.#configuration) ?? '';
    return new RegExp(`^${name}=(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
  }

  set(name: string, value: string): void {
    const path = this.#configuration;
    const text = this.files.text(path) ?? '[LunaSA Client]\r\n';
    const line = `${name}=${value}`;
    this.files.write(path, new RegExp(`^${name}=`, 'm').test(text) ? text.replace(new RegExp(`^${name}=.*?(\\r?)$`, 'm'), `${line}$1`) : `${text}${line}\r\n`);
  }

  /** Where Luna clients are installed: the one that lunacm and vtl belong to, and one for vtl alone. */
  folders(): string[] {
    return [...(this.state.lunaClient ? [clientFolder] : []), ...Object.keys(this.state.otherClients ?? {})];
  }

  /** Makes a key and certificate for a name in the folder of a client; by default they become the host’s own identity. */
  async createCertificate(
    name: string,
    days: number,
    { folder = clientFolder, keyFormat = 'plain', isOwn = true }: { folder?: string; keyFormat?: string; isOwn?: boolean } = {},
  ): Promise<{ keyPath: string; certificatePath: string }> {
    const identity = await selfSigned({ commonName: name, days });
    const keyPath = `${folder}\\cert\\client\\${name}Key.pem`;
    const certificatePath = `${folder}\\cert\\client\\${name}.pem`;
    this.files.write(keyPath, written(identity.privateKeyPem, keyFormat));
    this.files.write(certificatePath, identity.certificatePem);
    if (isOwn) {
      this.set('ClientPrivKeyFile', keyPath);
      this.set('ClientCertFile', certificatePath);
    }
    return { keyPath, certificatePath };
  }

  addServer(address: string, certificatePem: string): void {
    this.files.write(`${clientFolder}\\cert\\server\\CAFile.pem`, certificatePem);
    this.set('ServerName00', address);
    this.set('ServerPort00', '1792');
  }

  /** What this client would present to the appliance that it knows. */
  connection(): { appliance: Appliance; attempt: NtlsAttempt } | undefined {
    const appliance = this.world.appliances.get(this.setting('ServerName00'));
    const read = (path: string) => this.files.text(path) ?? '';
    return (
      appliance && {
        appliance,
        attempt: {
          clientCertificatePem: read(this.setting('ClientCertFile')),
          clientPrivateKeyPem: read(this.setting('ClientPrivKeyFile')),
          clientAddress: this.state.address,
          serverCertificatePem: read(`${clientFolder}\\cert\\server\\CAFile.pem`),
        },
      }
    );
  }

  /** The partitions that this client sees, as slots. */
  slots() {
    const connection = this.connection();
    const seen = connection?.appliance.ntls(connection.attempt);
    return seen?.ok ? seen.partitions : [];
  }
}

function written(keyPem: string, format: string): string {
  if (format === 'pkcs8') return createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'pem' }) as string;
  if (format === 'encrypted') return createPrivateKey(keyPem).export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'unknown' }) as string;
  return keyPem;
}
