import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { notReady, quoting, refused, unsafe } from '../../domain/failure.ts';
import { afterwards, finishing } from '../../domain/first-error.ts';
import { isCertificate, seenOf } from '../certificates.ts';
import { partOf } from '../fence.ts';
import type { LastingActName } from '../lasting-acts.ts';
import type { RoleShown } from '../lunash/partition-show.ts';
import type { Transcript } from '../lunash/transcript.ts';
import { certificateClientFolder, lunaClientFolder } from '../windows/install-script.ts';
import type { WindowsSession } from '../windows/windows.ts';
import { type CommandOutput, type PartitionInfo, parseRoleShow, parseShowInfo, parseSlots, pinProblem, type Slot, splitCommands, succeeded } from './parse.ts';

const source = 'lunacm';
const configuration = `${lunaClientFolder}\\crystoki.ini`;
/** Is in the profile of every host, and its files are closed to others one by one. */
const scriptFolder = 'C:\\ProgramData';
const mask = '********';
/** Something that looks at every new file, such as a virus scanner, lets go of it within seconds. */
const usualRemovalPatienceMs = 10_000;
const removalPauseMs = 250;

export interface ClientPair {
  certificatePem: string;
  keyPem: string;
}

/** The Luna client on the Windows host: lunacm, vtl and their files. What an attempt that was cut off left behind is put in order by `tidy`. */
export class LunaClient {
  readonly #session: WindowsSession;
  readonly #transcript: Transcript;
  readonly #target: string;
  readonly #removalPatienceMs: number;

  constructor(session: WindowsSession, transcript: Transcript, target: string, removalPatienceMs = usualRemovalPatienceMs) {
    this.#session = session;
    this.#transcript = transcript;
    this.#target = target;
    this.#removalPatienceMs = removalPatienceMs;
  }

  /**
   * Runs commands in one session of lunacm: a sign-in lasts only that long. They go through a script file that is always removed, and that only the
   * administrator may read where there are secrets in it: lunacm takes passwords as options, and a command line would show them. `secrets` are what the transcript must not show. What lunacm
   * answered is never lost to a file that stays: a password that nobody knows to have been refused would be shown again. At most one command changes
   * something, and it is the last: a script goes on whatever came of the commands before.
   */
  async run(commands: readonly string[], secrets: readonly string[] = [], act = actOf(commands, secrets)): Promise<CommandOutput[]> {
    if (commands.slice(0, -1).some(changes)) throw new Error('A lunacm script holds one command that changes something, and nothing after it.');
    for (const secret of secrets) this.#transcript.hide(secret);
    const script = `${scriptFolder}\\${this.#target}-${randomUUID()}.lunacm`;
    const output = await this.#runScript(script, { commands, secrets }, act).catch(async (error: unknown) => {
      throw await afterwards(error, () => this.#discard(script));
    });
    this.#transcript.add(output);
    await this.#removeInTime(script);
    return splitCommands(output, commands);
  }

  async #runScript(script: string, { commands, secrets }: Record<'commands' | 'secrets', readonly string[]>, act?: LastingActName): Promise<string> {
    const text = `${[...commands, 'exit'].join('\r\n')}\r\n`;
    if (secrets.length > 0) await this.#session.writePrivately(script, text, act);
    else await this.#session.write(script, text, act);
    return (await this.#session.exec(`"${lunaClientFolder}\\lunacm.exe" -f "${script}"`, partOf(act))).output;
  }

  /** As `run`, and every command must succeed. */
  async must(commands: readonly string[], secrets: readonly string[] = []): Promise<CommandOutput[]> {
    const outputs = await this.run(commands, secrets);
    this.mustHaveSucceeded(outputs, secrets);
    return outputs;
  }

  /** A password that is refused is `Unsafe`: a retry out of habit would use up another attempt. */
  mustHaveSucceeded(outputs: readonly CommandOutput[], secrets: readonly string[]): void {
    const failed = outputs.find((output) => !succeeded(output));
    if (!failed) return;
    const said = masked(`${failed.result ?? ''} ${failed.text.trim().split('\n').at(-1)?.trim() ?? ''}`.trim(), secrets);
    const told = {
      tried: masked(failed.command, secrets),
      summary: failed.result === undefined ? 'it ended without a result' : 'it failed',
      ...quoting(source, said),
    };
    if (pinProblem(failed))
      throw unsafe({
        code: 'LUNACM_PASSWORD_REFUSED',
        ...told,
        remedy: 'Do not retry before you know why: each retry uses an attempt of that role. Compare its password yourself.',
      });
    throw refused({ code: 'LUNACM_COMMAND_FAILED', ...told, remedy: 'Check the Luna client on the Windows host, then retry.' });
  }

  async slots(): Promise<Slot[]> {
    const [listed] = await this.run(['slot list']);
    return parseSlots(listed?.text ?? '').filter((slot, at, all) => all.findIndex(({ serial }) => serial === slot.serial) === at);
  }

  /**
   * Runs commands on one partition and gives their outputs. A slot is found by the partition’s serial, each time anew: others may stand before it, and lunacm
   * numbers them when it starts. Where there are others, two starts must agree before anything is typed, and what was typed into is looked at in the same run.
   * Commands with a secret in them are typed only after runs that showed which partition the slot reaches; `atLast` hears after the first what it is, and may still object.
   */
  async on(
    serial: string,
    commands: readonly string[],
    secrets: readonly string[] = [],
    atLast: (info: PartitionInfo) => Promise<void> = async () => {},
  ): Promise<CommandOutput[]> {
    const slot = await this.#steadySlot(serial);
    const reaching = [`slot set -slot ${slot}`, 'partition showinfo'];
    const told = { code: 'LUNACM_SLOT_MOVED', tried: masked(commands[0] ?? 'partition showinfo', secrets) } as const;
    const seen = (info: PartitionInfo | undefined) =>
      `slot ${slot} was the partition ${serial} a moment before, and then ${info?.serial ?? 'did not tell its serial'}`;
    const mustReachIt = async (): Promise<PartitionInfo> => {
      const { info, isIt } = reached(await this.run(reaching), serial);
      if (!isIt) throw unsafe({ ...told, summary: seen(info), remedy: 'Nothing was typed. Find out which partition that is (slot list), then retry.' });
      return info!;
    };
    if (secrets.length > 0) {
      await atLast(await mustReachIt());
      // What is done at last takes seconds, in which lunacm may give the slots other numbers.
      await mustReachIt();
    }
    const outputs = await this.run([...reaching, ...commands], secrets);
    const { info, isIt } = reached(outputs, serial);
    if (!isIt) throw unsafe({ ...told, summary: seen(info), remedy: 'Find out which partition was reached (slot list) and what came of it before you retry.' });
    return outputs.slice(reaching.length);
  }

  /** As `on`, and every command must succeed. */
  async mustOn(...[serial, commands, secrets = [], atLast]: Parameters<LunaClient['on']>): Promise<CommandOutput[]> {
    const outputs = await this.on(serial, commands, secrets, atLast);
    this.mustHaveSucceeded(outputs, secrets);
    return outputs;
  }

  /** `partition showinfo`; undefined where it cannot be understood. */
  async info(serial: string): Promise<PartitionInfo | undefined> {
    const [shown] = await this.mustOn(serial, ['partition showinfo']);
    return parseShowInfo(shown?.text ?? '');
  }

  /** `partition showinfo` and `role show` of the partition SO and the crypto officer, in one session; undefined is what cannot be understood, or this client does not have. */
  async roles(serial: string): Promise<{ info: PartitionInfo | undefined; po: RoleShown | undefined; co: RoleShown | undefined }> {
    const [shown, ...roles] = await this.on(serial, ['partition showinfo', 'role show -name po', 'role show -name co']);
    this.mustHaveSucceeded(shown ? [shown] : [], []);
    // Of a command that prints no result the text runs on into the next one’s: no role is read from another one’s.
    const areWhole = roles.every(({ result }) => result !== undefined);
    const [po, co] = roles.map((role) => (areWhole && succeeded(role) ? parseRoleShow(role.text) : undefined));
    return { info: parseShowInfo(shown?.text ?? ''), po, co };
  }

  /** One-step trust link. It makes the host a new certificate; what it presented before is set aside, as proof of what is its own. */
  async deploy(command: string, name: string, secrets: readonly string[]): Promise<void> {
    await this.#setAside(name, 'own');
    this.mustHaveSucceeded(await this.run([command], secrets, 'clientconfig-deploy'), secrets);
  }

  /** Every certificate for a name that was made here, the present one first: whoever is registered with one of them is ours. */
  async certificates(name: string, home: Home): Promise<string[]> {
    const folder = certificatesOf(home);
    const files = (await this.#session.list(folder)).filter(
      (file) => file === `${name}.pem` || (file.startsWith(`${name}-`) && /-[0-9A-F]{16}\.pem$/.test(file)),
    );
    const texts = await Promise.all(files.sort((a, b) => a.length - b.length).map((file) => this.#session.read(`${folder}\\${file}`)));
    return texts.filter((text) => text !== undefined).filter(isCertificate);
  }

  /**
   * `vtl createcert` for another machine, by the client that is installed for it or else by the host’s own. It makes that certificate the host’s identity,
   * too: the host’s configuration is put back at once, or by the next attempt. `enter` is called before each vtl.
   */
  async createCertificate({ name, days }: { name: string; days: number }, home: Home, enter: () => Promise<void>): Promise<ClientPair> {
    const before = await this.#session.read(configuration);
    if (before === undefined)
      throw unsafe({
        code: 'CLIENT_CONFIGURATION_BROKEN',
        tried: `saving ${configuration}`,
        summary: 'it cannot be read',
        remedy: 'Check the Luna client’s installation, then retry.',
      });
    await this.#setAside(name, home);
    await this.#session.write(this.#backup, `${digest(before)}\n${before}`);
    return finishing(
      () => this.#makePair({ name, days }, home, enter),
      () => this.#restoreConfiguration(),
    );
  }

  async #makePair({ name, days }: { name: string; days: number }, home: Home, enter: () => Promise<void>): Promise<ClientPair> {
    const vtl = `"${folders[home]}\\vtl.exe" createcert -n ${name}`;
    let output = await this.#vtl(`${vtl} -d ${days}`, enter);
    // Older ones do not know the option.
    if (/(unknown|invalid|unrecogni[sz]ed)[^\n]*-d\b/i.test(output)) output = await this.#vtl(vtl, enter);
    const pair = await this.pair(name, home);
    if (pair) return pair;
    throw refused({
      code: 'LUNACM_COMMAND_FAILED',
      tried: `vtl createcert -n ${name}`,
      summary: 'no certificate was written',
      ...quoting('vtl', output.trim().slice(-200)),
      remedy: 'Run it yourself on the Windows host, then retry.',
    });
  }

  /** A certificate and key that `vtl createcert` wrote and that are still there. */
  async pair(name: string, home: Home): Promise<ClientPair | undefined> {
    const [certificatePem, keyPem] = [
      await this.#session.read(`${certificatesOf(home)}\\${name}.pem`),
      await this.#session.read(`${certificatesOf(home)}\\${name}Key.pem`),
    ];
    return certificatePem && keyPem ? { certificatePem, keyPem } : undefined;
  }

  async writeCertificate(name: string, certificatePem: string, home: Home): Promise<void> {
    await this.#setAside(name, home);
    await this.#session.write(`${certificatesOf(home)}\\${name}.pem`, certificatePem);
  }

  async removeKey(name: string, home: Home): Promise<void> {
    await this.#discard(`${certificatesOf(home)}\\${name}Key.pem`);
  }

  async #vtl(command: string, enter: () => Promise<void>): Promise<string> {
    await enter();
    const { output } = await this.#session.exec(command, 'vtl-createcert');
    this.#transcript.add(output);
    return output;
  }

  async #steadySlot(serial: string): Promise<number> {
    const slots = await this.slots();
    const found = slots.find((slot) => slot.serial === serial);
    const told = { tried: `looking for the slot of the partition ${serial}` };
    if (!found)
      throw unsafe({
        code: 'LUNACM_SLOT_MISSING',
        ...told,
        summary: `slot list shows ${slots.map((slot) => slot.serial).join(', ') || 'no slot'}`,
        remedy: 'Nothing was typed. Fix the trust link (vtl verify), then retry.',
      });
    if (slots.length === 1) return found.slot;
    const again = (await this.slots()).find((slot) => slot.serial === serial);
    if (again?.slot !== found.slot)
      throw unsafe({
        code: 'LUNACM_SLOT_MOVED',
        ...told,
        summary: `it was slot ${found.slot} and a moment later ${again ? `slot ${again.slot}` : 'gone'}`,
        remedy: 'Nothing was typed: it could reach another partition. Remove the slot that appears and disappears in slot list, then retry.',
      });
    return found.slot;
  }

  /**
   * Takes away what an attempt that was cut off left: scripts with passwords in them, one of which lunacm may still be at work on, and another identity. Before
   * anything else, looks included: what such an attempt made may be all that a step needs, and then nothing more would be done.
   */
  async tidy(): Promise<void> {
    const left = (await this.#session.list(scriptFolder)).filter((name) => name.startsWith(`${this.#target}-`) && name.endsWith('.lunacm'));
    for (const name of left) await this.#discard(`${scriptFolder}\\${name}`);
    await this.#restoreConfiguration();
  }

  /** Nothing is at work on it any more. What cannot be removed, or no longer over this connection, is left to `tidy`, before anything else is typed. */
  async #removeInTime(path: string): Promise<void> {
    const remove = () => this.#session.remove(path).catch(() => undefined);
    for (const end = performance.now() + this.#removalPatienceMs; (await remove()) === false && performance.now() < end; ) await pause(removalPauseMs);
  }

  async #discard(path: string): Promise<void> {
    if (!(await this.#session.remove(path)))
      throw notReady(`${path} on the Windows host cannot be removed yet: what an earlier attempt began is still at work.`);
  }

  get #backup(): string {
    return `${configuration}.${this.#target}`;
  }

  async #restoreConfiguration(): Promise<void> {
    const backup = await this.#session.read(this.#backup);
    if (backup === undefined) return;
    const text = backup.slice(backup.indexOf('\n') + 1);
    // One that was cut off half-way was not needed yet.
    if (backup === `${digest(text)}\n${text}`) await this.#session.write(configuration, text);
    await this.#discard(this.#backup);
  }

  /** One that was cut off while it was written is no proof of anything. */
  async #setAside(name: string, home: Home): Promise<void> {
    const present = await this.#session.read(`${certificatesOf(home)}\\${name}.pem`);
    if (present === undefined || !isCertificate(present)) return;
    const short = seenOf(present).fingerprint.replaceAll(':', '').slice(0, 16);
    await this.#session.write(`${certificatesOf(home)}\\${name}-${short}.pem`, present);
  }
}

const readsOnly = /^(?:slot (?:list|set)|partition (?:showinfo|contents)|role (?:list|show|login|logout)|clientconfig listservers)\b/i;
const changes = (command: string): boolean => !readsOnly.test(command);

/** A script without a secret in it only looks. */
function actOf(commands: readonly string[], secrets: readonly string[]): LastingActName | undefined {
  if (secrets.length === 0) return undefined;
  const last = commands.at(-1) ?? '';
  if (/^partition init\b/i.test(last)) return 'lunacm-partition-init';
  if (/^role init\b/i.test(last)) return 'lunacm-role-init';
  return /^role changepw\b/i.test(last) ? 'lunacm-role-password' : 'lunacm-script';
}

/** Which client’s vtl: the host’s own, or the one that the request wants for certificates. */
export type Home = 'own' | 'certificate';
const folders: Record<Home, string> = { own: lunaClientFolder, certificate: certificateClientFolder };

const certificatesOf = (home: Home): string => `${folders[home]}\\cert\\client`;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

const masked = (text: string, secrets: readonly string[]): string => secrets.reduce((shown, secret) => shown.replaceAll(secret, mask), text);

/** Which partition a run reached, by its first two commands. */
function reached([set, shown]: CommandOutput[], serial: string): { info: PartitionInfo | undefined; isIt: boolean } {
  const info = parseShowInfo(shown?.text ?? '');
  return { info, isIt: set !== undefined && succeeded(set) && info?.serial === serial };
}
