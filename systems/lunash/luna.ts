import type { Duplex } from 'node:stream';
import { quoting, refused, type StepFailure, unsafe } from '../../domain/failure.ts';
import { afterwards, finishing } from '../../domain/first-error.ts';
import type { Endpoints, PinnedHost, StepContext } from '../../domain/results.ts';
import { attemptRecord } from '../../stores/record/attempt-record.ts';
import type { DataOf } from '../../stores/record/events.ts';
import { applianceWithheld, isApplianceAccepted } from '../../stores/record/memory.ts';
import type { Records, TargetRecord } from '../../stores/record/record.ts';
import { type Numbered, writerOf } from '../../stores/record/writer.ts';
import type { Transcripts } from '../../stores/reports/transcripts.ts';
import { requireSecret, storeFailed } from '../../stores/secrets/kept.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import { nameOfVersion, versions } from '../../stores/secrets/versions.ts';
import { LunaClient } from '../lunacm/luna-client.ts';
import { RoleLog } from '../lunacm/role-log.ts';
import { readContents } from '../lunacm/roles.ts';
import type { Outbound } from '../outbound.ts';
import { fetchFile, putFile } from '../scp/scp.ts';
import type { Settings } from '../settings.ts';
import {
  modernAlgorithms,
  oldAlgorithms,
  PasswordChangeWanted,
  SignInRefused,
  SshConnection,
  type SshTarget,
  signInRefused,
  wrongHostKey,
} from '../ssh/connection.ts';
import { KeyedMutex } from '../ssh/keyed-mutex.ts';
import { reach, type Windows } from '../windows/windows.ts';
import { readHsm } from './read-hsm.ts';
import { LunashSession } from './session.ts';
import { Transcript } from './transcript.ts';

const user = 'tenantadmin';
/** As Azure delivers every appliance. */
const factoryPassword = 'PASSWORD';

const noAlgorithm =
  'It offers old algorithms only. Allow them for HSMs (HSM_LUNA_OLD_ALGORITHMS=allow, in the worker’s environment), or update the appliance; then retry.';
/** The host key of first contact is kept beside the secrets, because a later run must not trust another one. */
const hostKeyName = ({ target }: StepContext): string => `${target}-appliance-host-key`;

/** By one more entry, which the person who compared the keys makes: a key vault does not give the name of a removed one away again. */
export const trustAgain = (job: StepContext): string =>
  `If it was rebuilt: keep its new key (npm run secret -- --keep ${nameOfVersion(hostKeyName(job), 1)}, or the next number), abort, send the request again.`;

/** Why a refused password of the SO is not shown again. */
export const soRefusedRemedy =
  'It is not tried again by itself: each wrong password brings the HSM nearer to erasing itself. Compare the stored SO password, sign in by hand, then retry.';

type AppliancePassword = DataOf<'hsm', 'appliance-sign-in'>['password'];

/** How the first contact with one password ended: accepted, accepted on condition that it is changed at once, or refused. Without the first two nothing is pinned. */
export type FirstContact = { is: 'accepted' | 'to be changed'; pin: string } | { is: 'refused' };

interface FirstWhere {
  windows: PinnedHost;
  address: string;
}

/** The attempt that a session belongs to: its transcript is kept under the step, and it ends with the signal. */
export interface StepAttempt extends Numbered {
  step: string;
  signal: AbortSignal;
}

/** What a counted sign-in needs, too: it is entered in the record of the HSM. */
export interface CountedSignIn extends StepAttempt {
  record: TargetRecord<'hsm'>;
}

interface First extends CountedSignIn {
  /** Enters the host key before a password leaves for it, or objects. `isConfirmed` where a person has compared it. */
  enterHostKey(hostKey: string, isConfirmed: boolean): Promise<void>;
}

type Where = { windows: PinnedHost; hsm: { address: string; pin?: string } } & Pick<SshTarget, 'beforeSignIn' | 'beforePassword'>;

/** The HSM and the Luna client: LunaSH, scp and lunacm. Every session is closed after use and its transcript, without secrets, is kept for the report. */
export class Luna {
  readonly #settings: Settings;
  readonly #outbound: Outbound;
  readonly #secrets: SecretStore;
  readonly #windows: Windows;
  readonly #transcripts: Transcripts;
  readonly #records: Records;
  /** One connection to an HSM at a time. */
  readonly #mutex = new KeyedMutex();
  readonly #signIn: typeof SshConnection.open;

  /** `signIn` is another one only where a test puts something in place of SSH. */
  constructor(parts: {
    settings: Settings;
    outbound: Outbound;
    secrets: SecretStore;
    windows: Windows;
    transcripts: Transcripts;
    records: Records;
    signIn?: typeof SshConnection.open;
  }) {
    this.#signIn = parts.signIn ?? SshConnection.open;
    this.#settings = parts.settings;
    this.#outbound = parts.outbound;
    this.#secrets = parts.secrets;
    this.#windows = parts.windows;
    this.#transcripts = parts.transcripts;
    this.#records = parts.records;
  }

  /**
   * Shows the appliance a password that may be wrong, once. It is on record before the password leaves. The host key of an accepted one is kept, and compared with
   * the kept one. Nothing is changed here.
   */
  async firstContact(job: StepContext, { windows, address }: FirstWhere, password: AppliancePassword, first: First): Promise<FirstContact> {
    const { record } = first;
    const known = await versions(this.#secrets, hostKeyName(job));
    const trusted = known.at(-1);
    // One that was accepted the last time may be shown again and again.
    const isGood = password === 'kept' && isApplianceAccepted(await record.read());
    const where = {
      windows,
      hsm: { address, ...(trusted === undefined ? {} : { pin: trusted }) },
      beforeSignIn: (hostKey: string) => first.enterHostKey(hostKey, known.length > 1),
      ...(isGood ? {} : { beforePassword: async () => void (await record.append('appliance-sign-in', { password, outcome: 'tried' })) }),
    };
    const seen = await this.#tryPassword(job, where, password, first);
    // Of the factory's no more is entered: what follows is entered as its replacement.
    if ((password === 'kept' && !isGood) || seen.is === 'refused')
      await record.append('appliance-sign-in', { password, outcome: seen.is === 'refused' ? 'refused' : 'accepted' });
    if (seen.is === 'refused') return { is: 'refused' };
    if (password === 'kept' && seen.is === 'to be changed') throw resetBySomebody();
    if (password === 'factory' && seen.is === 'accepted')
      throw unsafe({
        code: 'HSM_APPLIANCE_PASSWORD_RESET',
        tried: 'first sign-in to the appliance',
        summary: 'the factory password works and no change is asked for',
        remedy: 'Change it (my password set) to the stored one, then retry.',
      });
    return { is: seen.is, pin: trusted ?? (await this.#keepHostKey(job, address, seen.pin)) };
  }

  /** Whether a password is accepted, and whether on condition that it is changed at once: SSH asks for that, or LunaSH in place of its prompt. */
  async #tryPassword(
    job: StepContext,
    where: Where,
    password: 'kept' | 'factory',
    attempt: StepAttempt,
  ): Promise<{ is: 'accepted' | 'to be changed' | 'refused'; pin: string }> {
    try {
      const connection = await this.#open(job, where, { password: await this.#password(job, password) }, attempt.signal);
      const { pin } = connection;
      const started = await this.#inSession(job, connection, attempt.step, (session) => session.start());
      return { is: started === 'forced' ? 'to be changed' : 'accepted', pin };
    } catch (error) {
      if (error instanceof PasswordChangeWanted) return { is: 'to be changed', pin: error.pin };
      if (error instanceof SignInRefused) return { is: 'refused', pin: error.pin };
      throw error;
    }
  }

  async #keepHostKey(job: StepContext, address: string, pin: string): Promise<string> {
    const first = await this.#secrets.create(hostKeyName(job), pin).catch((error: unknown) => {
      throw storeFailed(`keeping ${hostKeyName(job)}`, error);
    });
    if (first !== pin) throw wrongHostKey(`first contact with the HSM at ${address}`, pin, first, trustAgain(job));
    return pin;
  }

  /** Signs in with the factory password and sets the kept one, whether SSH itself asks for it or LunaSH. Only a host that firstContact has pinned gets it. */
  async replaceFactoryPassword(job: StepContext, { windows, address }: FirstWhere, { step, signal }: StepAttempt): Promise<void> {
    const trusted = (await versions(this.#secrets, hostKeyName(job))).at(-1);
    const where = { windows, hsm: { address, ...(trusted === undefined ? {} : { pin: trusted }) } };
    const next = await this.#password(job, 'kept');
    const connection = await this.#open(job, where, { password: factoryPassword, newPassword: next }, signal);
    await this.#inSession(job, connection, step, async (session) => {
      if ((await session.start()) === 'forced') await session.choosePassword({ current: factoryPassword, next });
    });
  }

  /** Runs LunaSH commands in one session, signed in with the kept password. */
  async shell<T>(job: StepContext & Endpoints, attempt: StepAttempt, work: (session: LunashSession) => Promise<T>): Promise<T> {
    const connection = await this.#signedIn(job, attempt);
    return this.#inSession(job, connection, attempt.step, async (session) => {
      if ((await session.start()) === 'forced') throw resetBySomebody();
      return work(session);
    });
  }

  /**
   * `hsm login` with the kept password: once a session, only on an HSM of our label, and only with all three attempts left. It is on record before the password
   * leaves. Any failure is `Unsafe`.
   */
  async signInAsSo(job: StepContext, session: LunashSession, record: TargetRecord<'hsm'>): Promise<void> {
    // Before the look: the store may take its time.
    const password = await requireSecret(this.#secrets, job.target, 'hsm-so-password');
    const { soAttemptsLeft, zeroized, label, serial } = await readHsm(session);
    const tried = 'hsm login';
    if (zeroized || label !== job.request.hsm.label)
      throw unsafe({
        code: zeroized ? 'HSM_ZEROIZED' : 'HSM_FOREIGN',
        tried,
        summary: zeroized ? `the HSM ${serial} was zeroized meanwhile` : `the HSM ${serial} has the label “${label}” meanwhile, not “${job.request.hsm.label}”`,
        remedy: `Nothing was tried. Find out who did that${zeroized ? '; abort, and send the request again: it starts from the zeroized HSM' : ', and let its owner put it right, then retry'}.`,
      });
    if (soAttemptsLeft !== 3)
      throw unsafe({
        code: 'HSM_SO_ATTEMPTS_USED',
        tried,
        summary: `${soAttemptsLeft} SO attempts are left`,
        remedy: 'Sign in yourself as SO with the stored password, which resets the counter, then retry.',
      });
    await record.append('so-sign-in', { outcome: 'tried', serial });
    const { text, result, errors } = await session.raw(tried, { password });
    const isAccepted = result === 0 && errors.length === 0 && /'hsm login' successful/i.test(text);
    if (isAccepted) return void (await record.append('so-sign-in', { outcome: 'accepted', serial }));
    const failure = unsafe({
      code: 'HSM_SO_PASSWORD_REFUSED',
      tried,
      summary: 'no success was reported',
      ...quoting('LunaSH', errors.join(' ')),
      remedy: soRefusedRemedy,
    });
    throw await afterwards(failure, () => record.append('so-sign-in', { outcome: 'refused', serial }));
  }

  async fetch(job: StepContext & Endpoints, name: string, attempt: StepAttempt): Promise<string> {
    const connection = await this.#signedIn(job, attempt);
    return fetchFile(connection, name).finally(() => connection.end());
  }

  async put(job: StepContext & Endpoints, name: string, content: string, attempt: StepAttempt): Promise<void> {
    const connection = await this.#signedIn(job, attempt);
    await putFile(connection, name, content).finally(() => connection.end());
  }

  /** The Luna client on the Windows host, for as long as the work takes. */
  async client<T>(job: StepContext & Pick<Endpoints, 'windows'>, { step, signal }: StepAttempt, work: (client: LunaClient) => Promise<T>): Promise<T> {
    const session = await this.#windows.open(job, job.windows, signal);
    const transcript = new Transcript();
    const inClient = async () => {
      const client = new LunaClient(session, transcript, job.target);
      await client.tidy();
      return work(client);
    };
    return finishing(inClient, async () => {
      session.end();
      await this.#keep(job, step, transcript);
    });
  }

  /** The labels of the objects in a partition, seen as crypto officer: a counted sign-in, entered in the record. */
  async partitionContents(job: StepContext & Endpoints, serial: string, counted: CountedSignIn): Promise<string[]> {
    const password = await requireSecret(this.#secrets, job.target, 'crypto-officer-password');
    const shown = await this.partitionShow(job, counted);
    return this.client(job, counted, (client) => readContents(client, new RoleLog(counted.record, serial, job), { serial, password }, shown));
  }

  /** `partition show` of our partition. */
  partitionShow(job: StepContext & Endpoints, attempt: StepAttempt): Promise<string> {
    return this.shell(job, attempt, (session) => session.read(`partition show -partition ${job.request.hsm.partition.name}`));
  }

  #password(job: StepContext, which: 'kept' | 'factory'): Promise<string> {
    return which === 'factory' ? Promise.resolve(factoryPassword) : requireSecret(this.#secrets, job.target, 'appliance-password');
  }

  /**
   * With the kept password. One that is refused is entered, and not shown again before a person orders a retry: the appliance may lock its user out. Where it was
   * not accepted the last time, it is on record before it leaves, too; that it is accepted again and again is not.
   */
  async #signedIn(job: StepContext & Endpoints, attempt: StepAttempt): Promise<SshConnection> {
    const writer = writerOf(job, attempt);
    const record = attemptRecord(attempt.signal, 'hsm', () => this.#records.of(job.target, 'hsm', writer));
    // As of the attempt’s last look: one more read would hide from the attempt what others entered since then.
    const entries = await record.known();
    const withheld = applianceWithheld(entries, 'kept', writer);
    if (withheld) throw keptWithheld(job.hsm.address, withheld);
    const password = await this.#password(job, 'kept');
    const isGood = isApplianceAccepted(entries);
    const beforePassword = () => record.enter('appliance-sign-in', { password: 'kept', outcome: 'tried' });
    const connection = await this.#open(job, isGood ? job : { ...job, beforePassword }, { password }, attempt.signal).catch(refusedMeansNo);
    if (!connection) {
      await record.enterFact('appliance-sign-in', { password: 'kept', outcome: 'refused' });
      throw keptWithheld(job.hsm.address, 'refused');
    }
    if (isGood) return connection;
    await record.enterFact('appliance-sign-in', { password: 'kept', outcome: 'accepted' }).catch((error: unknown) => {
      connection.end();
      throw error;
    });
    return connection;
  }

  async #open(job: StepContext, where: Where, passwords: { password: string; newPassword?: string }, signal: AbortSignal): Promise<SshConnection> {
    const over = await this.#mutex.acquire(where.hsm.address, signal);
    try {
      const connection = await this.#connect(job, where, passwords, signal);
      connection.onceClosed(over);
      return connection;
    } catch (error) {
      over();
      throw error;
    }
  }

  async #connect(
    job: StepContext,
    { windows, hsm, beforeSignIn, beforePassword }: Where,
    passwords: { password: string; newPassword?: string },
    signal: AbortSignal,
  ): Promise<SshConnection> {
    const { lunaVia, lunaOldAlgorithms } = this.#settings;
    const socket: Duplex =
      lunaVia === 'client'
        ? await this.#windows.socket(job, windows, { address: hsm.address, port: 22 }, signal)
        : await reach(this.#outbound, hsm.address, signal);
    return this.#signIn(
      {
        name: `the HSM at ${hsm.address}`,
        socket,
        username: user,
        trustAgain: trustAgain(job),
        ...passwords,
        algorithms: lunaOldAlgorithms ? oldAlgorithms : modernAlgorithms,
        ...(lunaOldAlgorithms ? {} : { noAlgorithm }),
        ...(hsm.pin ? { pin: hsm.pin } : {}),
        ...(beforeSignIn ? { beforeSignIn } : {}),
        ...(beforePassword ? { beforePassword } : {}),
      },
      signal,
    );
  }

  async #inSession<T>(job: StepContext, connection: SshConnection, step: string, work: (session: LunashSession) => Promise<T>): Promise<T> {
    const transcript = new Transcript();
    const { commandMs } = this.#settings;
    const inShell = async () => work(await connection.shell((channel) => new LunashSession(channel, connection, transcript, { commandMs })));
    return finishing(inShell, async () => {
      connection.end();
      await this.#keep(job, step, transcript);
    });
  }

  async #keep({ target, runId }: StepContext, step: string, transcript: Transcript): Promise<void> {
    if (transcript.masked !== '') await this.#transcripts.append(target, runId, step, transcript.masked);
  }
}

/** Why the kept password of the appliance is not shown. */
function keptWithheld(address: string, why: 'refused' | 'unheard'): StepFailure {
  if (why === 'refused')
    return signInRefused(
      'HSM_APPLIANCE_PASSWORD_REFUSED',
      `the HSM at ${address}`,
      'The stored password is refused: somebody changed it. Put the stored one back, then retry.',
    );
  return refused({
    code: 'HSM_APPLIANCE_PASSWORD_REFUSED',
    tried: `signing in to the HSM at ${address}`,
    summary: 'the last sign-in with the stored password received no response, and the password was not tried again',
    remedy: 'If the appliance may not have the stored password, set it there first (my password set). Then retry: retrying signs in once more.',
  });
}

const resetBySomebody = () =>
  unsafe({
    code: 'HSM_APPLIANCE_PASSWORD_RESET',
    tried: 'signing in to the appliance',
    summary: 'it wants a new password although the stored one works',
    remedy: 'Somebody reset it: sign in yourself, set the stored password, then retry.',
  });

const refusedMeansNo = (error: unknown): undefined => {
  if (error instanceof PasswordChangeWanted) throw resetBySomebody();
  if (error instanceof SignInRefused) return undefined;
  throw error;
};
