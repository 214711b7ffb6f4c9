import { randomUUID } from 'node:crypto';
import { refused, unsafe } from '../../domain/failure.ts';
import type { Transcript } from '../lunash/transcript.ts';
import { lunaClientFolder } from '../windows/install-script.ts';
import type { WindowsSession } from '../windows/windows.ts';
import {
  type CommandOutput,
  type PartitionInfo,
  parseContents,
  parseRoleShow,
  parseShowInfo,
  parseSlots,
  type RoleShown,
  type Slot,
  splitCommands,
  succeeded,
} from './parse.ts';

const source = 'lunacm';
const configuration = `${lunaClientFolder}\\crystoki.ini`;
const clientCertificates = `${lunaClientFolder}\\cert\\client`;
/** Is in the profile of every host, and its files are closed to others one by one. */
const scriptFolder = 'C:\\ProgramData';

export interface ClientPair {
  certificatePem: string;
  keyPem: string;
}

/** The Luna client on the Windows host: lunacm, vtl and their files. */
export class LunaClient {
  readonly #session: WindowsSession;
  readonly #transcript: Transcript;
  readonly #target: string;

  constructor(session: WindowsSession, transcript: Transcript, target: string) {
    this.#session = session;
    this.#transcript = transcript;
    this.#target = target;
  }

  /**
   * Runs commands in one session of lunacm: a sign-in lasts only that long. They go through a script file that only the administrator may read and that is
   * always removed: lunacm takes passwords as options, and a command line would show them. `secrets` are what the transcript must not show.
   */
  async run(commands: readonly string[], secrets: readonly string[] = []): Promise<CommandOutput[]> {
    for (const secret of secrets) this.#transcript.hide(secret);
    const script = `${scriptFolder}\\${this.#target}-${randomUUID()}.lunacm`;
    try {
      await this.#session.writePrivately(script, `${[...commands, 'exit'].join('\r\n')}\r\n`);
      const { output } = await this.#session.exec(`"${lunaClientFolder}\\lunacm.exe" -f "${script}"`);
      this.#transcript.add(output);
      return splitCommands(output, commands);
    } finally {
      await this.#session.remove(script);
    }
  }

  /** As `run`, and every command must succeed. */
  async must(commands: readonly string[], secrets: readonly string[] = []): Promise<CommandOutput[]> {
    const outputs = await this.run(commands, secrets);
    const failed = outputs.find((output) => !succeeded(output));
    if (!failed) return outputs;
    const shown = secrets.reduce((text, secret) => text.replaceAll(secret, '********'), failed.command);
    const seen = `${failed.result ?? 'no result'} ${failed.text.trim().split('\n').at(-1)?.trim() ?? ''}`.trim();
    throw refused({
      tried: shown,
      seen: secrets.reduce((text, secret) => text.replaceAll(secret, '********'), seen),
      source,
      remedy: 'Look at the Luna client on the Windows host, then retry.',
    });
  }

  async slots(): Promise<Slot[]> {
    const [listed] = await this.run(['slot list']);
    return parseSlots(listed?.text ?? '').filter((slot, at, all) => all.findIndex(({ serial }) => serial === slot.serial) === at);
  }

  /** The slot must show that partition: what is typed must not reach another one. */
  async needSlot(slot: number, serial: string): Promise<void> {
    const found = (await this.slots()).find((candidate) => candidate.slot === slot);
    if (found?.serial !== serial)
      throw unsafe({
        tried: `using slot ${slot}`,
        seen: found ? `it shows the partition ${found.serial}, not ${serial}` : 'there is no such slot',
        source,
        remedy: 'Look at slot list on the Windows host; nothing was typed.',
      });
  }

  async info(slot: number): Promise<PartitionInfo | undefined> {
    const [, shown] = await this.must([`slot set -slot ${slot}`, 'partition showinfo']);
    return parseShowInfo(shown?.text ?? '');
  }

  /** `role show`; undefined where this client does not have it. */
  async role(slot: number, name: 'po' | 'co'): Promise<RoleShown | undefined> {
    const [, shown] = await this.run([`slot set -slot ${slot}`, `role show -name ${name}`]);
    return shown && succeeded(shown) ? parseRoleShow(shown.text) : undefined;
  }

  async contents(slot: number, cryptoOfficerPassword: string): Promise<string[]> {
    const outputs = await this.must(
      [`slot set -slot ${slot}`, `role login -name co -password ${cryptoOfficerPassword}`, 'partition contents', 'role logout'],
      [cryptoOfficerPassword],
    );
    return parseContents(outputs[2]!.text);
  }

  /** The certificate that this host presents to HSMs now, if it has one. */
  async ownCertificate(name: string): Promise<string | undefined> {
    return this.#session.read(`${clientCertificates}\\${name}.pem`);
  }

  /**
   * `vtl createcert` for another machine. It makes that certificate the host’s own identity, too: the host’s configuration is put back at once, and its
   * partition must be there afterwards as before.
   */
  async createCertificate(name: string, days: number): Promise<ClientPair> {
    const before = await this.#session.read(configuration);
    if (before === undefined)
      throw unsafe({
        tried: `saving ${configuration}`,
        seen: 'it cannot be read',
        source: 'the Windows host',
        remedy: 'Look at the Luna client’s installation, then retry.',
      });
    try {
      const { output } = await this.#session.exec(`"${lunaClientFolder}\\vtl.exe" createcert -n ${name} -d ${days}`);
      this.#transcript.add(output);
      const pair = await this.pair(name);
      if (!pair)
        throw refused({
          tried: `vtl createcert -n ${name}`,
          seen: output.trim().slice(-200) || 'no certificate was written',
          source: 'vtl',
          remedy: 'Run it by hand on the Windows host, then retry.',
        });
      return pair;
    } finally {
      await this.#session.write(configuration, before);
    }
  }

  /** A certificate and key that `vtl createcert` wrote and that are still there. */
  async pair(name: string): Promise<ClientPair | undefined> {
    const [certificatePem, keyPem] = [
      await this.#session.read(`${clientCertificates}\\${name}.pem`),
      await this.#session.read(`${clientCertificates}\\${name}Key.pem`),
    ];
    return certificatePem && keyPem ? { certificatePem, keyPem } : undefined;
  }

  async writeCertificate(name: string, certificatePem: string): Promise<void> {
    await this.#session.write(`${clientCertificates}\\${name}.pem`, certificatePem);
  }

  async removeKey(name: string): Promise<void> {
    await this.#session.remove(`${clientCertificates}\\${name}Key.pem`);
  }
}
