import { selfSigned } from '../certificates.ts';
import type { Appliance, NtlsAttempt, World } from '../world.ts';
import { clientFolder, Files, type HostState } from './state.ts';

/** The Luna client’s own files on a host: configuration, certificates, servers. lunacm and vtl work on them. */
export class LunaClient {
  readonly world: World;
  readonly state: HostState;
  readonly files: Files;

  constructor(world: World, state: HostState) {
    this.world = world;
    this.state = state;
    this.files = new Files(state);
  }

  setting(name: string): string {
    const text = this.files.text(`${clientFolder}\\crystoki.ini`) ?? '';
    return new RegExp(`^${name}=(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
  }

  set(name: string, value: string): void {
    const path = `${clientFolder}\\crystoki.ini`;
    const text = this.files.text(path) ?? '[LunaSA Client]\r\n';
    const line = `${name}=${value}`;
    this.files.write(path, new RegExp(`^${name}=`, 'm').test(text) ? text.replace(new RegExp(`^${name}=.*?(\\r?)$`, 'm'), `${line}$1`) : `${text}${line}\r\n`);
  }

  /** Makes a key and certificate for a name and makes them the client’s own. */
  async createCertificate(name: string, days: number): Promise<{ keyPath: string; certificatePath: string }> {
    const identity = await selfSigned({ commonName: name, days });
    const encrypted = this.world.quirks['vtl.keyFormat'] === 'encrypted';
    const keyPath = `${clientFolder}\\cert\\client\\${name}Key.pem`;
    const certificatePath = `${clientFolder}\\cert\\client\\${name}.pem`;
    this.files.write(keyPath, encrypted ? identity.privateKeyPem.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n') : identity.privateKeyPem);
    this.files.write(certificatePath, identity.certificatePem);
    this.set('ClientPrivKeyFile', keyPath);
    this.set('ClientCertFile', certificatePath);
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
