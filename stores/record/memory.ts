/**
 * What entries say, for those who decide: pure functions over what `read` returned. They count conservatively: what was begun and has no outcome may have
 * happened.
 */
import type { DataOf, Entry, Writer } from './events.ts';

type Hsm = readonly Entry<'hsm'>[];
type Manager = readonly Entry<'ciphertrust'>[];
type Machines = readonly (Entry<'windows'> | Entry<'ciphertrust'> | Entry<'deployment'>)[];

export interface SignIns {
  /** Begun since the last accepted one, whatever became of them. */
  tried: number;
  refused: number;
}

/** Counted sign-ins since the last accepted one: of the HSM's SO, or of a partition's role since that partition's first entry. */
export function signInsSinceAccepted(entries: Hsm, role: 'so' | 'po' | 'co', partitionSerial?: string): SignIns {
  const outcomes = entries.flatMap((entry) => {
    if (entry.event !== 'so-sign-in' && entry.event !== 'po-sign-in' && entry.event !== 'co-sign-in') return [];
    // One whose partition was not entered counts for every partition.
    const isOfPartition = entry.event === 'so-sign-in' || (entry.data.partitionSerial ?? partitionSerial) === partitionSerial;
    return entry.event === `${role}-sign-in` && isOfPartition ? [entry.data.outcome] : [];
  });
  const since = outcomes.slice(outcomes.lastIndexOf('accepted') + 1);
  const count = (outcome: 'tried' | 'refused') => since.filter((one) => one === outcome).length;
  return { tried: count('tried'), refused: count('refused') };
}

/** Which password was shown. */
export interface Shown {
  role: 'so' | 'po' | 'co';
  partitionSerial?: string;
  first?: boolean;
}

/**
 * Was this password refused under the very retry that asks now, and no sign-in of that role accepted since, which may have changed it? Then it is not shown again
 * before a person orders another one. A sign-in of which nobody knows what became is not meant: whoever tells how many attempts are left decides about that.
 */
export function refusedUnder(entries: Hsm, shown: Shown, writer: SameRetry): boolean {
  const ofRole = entries.flatMap((entry) => (isOfRole(entry, shown) ? [entry] : []));
  const since = ofRole.slice(ofRole.findLastIndex(({ data }) => data.outcome === 'accepted') + 1);
  return since.some((entry) => entry.data.outcome === 'refused' && isFirst(entry) === (shown.first ?? false) && isSameRetry(entry, writer));
}

type SignInEntry = Extract<Hsm[number], { event: 'so-sign-in' | 'po-sign-in' | 'co-sign-in' }>;
type SameRetry = Pick<Writer, 'runId' | 'execution' | 'retry'>;

const isFirst = ({ data }: SignInEntry): boolean => 'first' in data && data.first === true;

/** One whose partition was not entered counts for every partition. */
function isOfRole(entry: Hsm[number], { role, partitionSerial }: Shown): entry is SignInEntry {
  if (entry.event === 'so-sign-in') return role === 'so';
  if (entry.event !== 'po-sign-in' && entry.event !== 'co-sign-in') return false;
  return entry.event === `${role}-sign-in` && (entry.data.partitionSerial ?? partitionSerial) === partitionSerial;
}

type ApplianceSignIn = Extract<Hsm[number], { event: 'appliance-sign-in' }>;

/** The sign-ins to the appliance with one password, since the kept one began to replace the factory's. */
function applianceSignIns(entries: Hsm, password: 'kept' | 'factory'): ApplianceSignIn[] {
  const since = entries.slice(entries.findLastIndex(({ event }) => event === 'appliance-password-replace-begun') + 1);
  return since.filter((entry): entry is ApplianceSignIn => entry.event === 'appliance-sign-in' && entry.data.password === password);
}

/**
 * Why a password of the appliance is not shown again under the retry that asks now: it was refused, or the kept one was shown and nobody heard what came of it.
 * One that was accepted in this very run is good, whatever was heard since. The factory's is no secret, and may be shown again.
 */
export function applianceWithheld(entries: Hsm, password: 'kept' | 'factory', writer: SameRetry): 'refused' | 'unheard' | undefined {
  const signIns = applianceSignIns(entries, password);
  const last = signIns.at(-1);
  if (!last || !isSameRetry(last, writer) || last.data.outcome === 'accepted') return undefined;
  if (last.data.outcome === 'refused') return 'refused';
  const heard = signIns.findLast(({ data }) => data.outcome !== 'tried');
  const isGood = heard?.data.outcome === 'accepted' && heard.runId === writer.runId;
  return password === 'factory' || isGood ? undefined : 'unheard';
}

/** Was the kept password accepted by the appliance the last time that it was shown? */
export const isApplianceAccepted = (entries: Hsm): boolean => applianceSignIns(entries, 'kept').at(-1)?.data.outcome === 'accepted';

/** May the appliance have the kept password: did it begin to replace the factory's, or was it accepted? */
export const mayHoldKeptPassword = (entries: Hsm): boolean =>
  entries.some((entry) => entry.event === 'appliance-password-replace-begun') ||
  applianceSignIns(entries, 'kept').some(({ data }) => data.outcome === 'accepted');

/** Was it entered by an attempt that the same decision of a person brought about? */
export const isSameRetry = (entry: SameRetry, { runId, execution, retry }: SameRetry): boolean =>
  entry.runId === runId && entry.execution === execution && entry.retry === retry;

/**
 * Was `hsm init` begun here on the HSM with this serial, or did the kept SO password open it? Its label alone proves nothing. Entries of an older version do not
 * tell whose they are: they count as long as no entry names a serial.
 */
export function isKnownHsm(entries: Hsm, serial: string): boolean {
  const proofs = entries.filter(
    ({ event, data }) => event === 'initialize-begun' || event === 'initialized' || (event === 'so-sign-in' && data.outcome === 'accepted'),
  );
  const serials = proofs.flatMap(({ data }) => ('serial' in data && data.serial !== undefined ? [data.serial] : []));
  return serials.length > 0 ? serials.includes(serial) : proofs.length > 0;
}

/** Whether a person was told in this run that no entry shows whose an HSM or partition is: `told` under this very retry, `confirmed` by a retry since. */
export type Doubt = 'none' | 'told' | 'confirmed';

export function doubtOf(entries: Hsm, { of, serial }: { of: 'hsm' | 'partition'; serial: string }, { runId, retry }: SameRetry): Doubt {
  const told = entries.filter(({ event, data, ...by }) => event === 'ownership-doubted' && data.of === of && data.serial === serial && by.runId === runId);
  if (told.length === 0) return 'none';
  return told.some((entry) => entry.retry < retry) ? 'confirmed' : 'told';
}

/** May a role's first, temporary password still hold? */
export function holdsFirstPassword(entries: Hsm, role: 'po' | 'co', partitionSerial?: string): boolean {
  const of = (event: 'role-initialize-begun' | 'role-first-password-over') =>
    entries.findLastIndex((entry) => entry.event === event && entry.data.role === role && entry.data.partitionSerial === partitionSerial);
  return of('role-initialize-begun') > of('role-first-password-over');
}

const closing = ['initialized', 'partition-created', 'partition-not-created', 'role-first-password-over', 'ownership-doubted', 'left-open-awaited'] as const;

const tellsOutcome = ({ event, data }: Hsm[number]): boolean => ('outcome' in data ? data.outcome !== 'tried' : closing.some((one) => one === event));

/**
 * What somebody before this attempt began that may be at work still: an entry that tells no outcome, of another run or of this very execution, whose attempts are
 * counted from 1 again after a reset. What a step of this run before this one left open ended with that step. It is over where anything was entered later but a
 * sign-in to the appliance: steps that only look wait for nothing and enter one, and so does an attempt that was replaced.
 */
export function leftOpen(entries: Hsm, { runId, execution }: Pick<Writer, 'runId' | 'execution'>): Hsm[number] | undefined {
  const isOver = (at: number) => entries.slice(at + 1).some(({ event }) => event !== 'appliance-sign-in');
  const isOfAnother = (entry: Hsm[number]) => entry.runId !== runId || entry.execution === execution;
  return entries.find((entry, at) => isOfAnother(entry) && !tellsOutcome(entry) && !isOver(at));
}

/** An act that erases was begun under this approval, and no look has shown yet what became of it. */
export function openErase(entries: Hsm): Entry<'hsm'> | undefined {
  const begun = entries.findLastIndex(({ event }) => event === 'erase-begun');
  const ended = entries.findLastIndex((entry) => entry.event === 'erase-ended' && entry.data.outcome !== 'unknown');
  return begun > ended ? entries[begun] : undefined;
}

/** Was the partition with this serial created here? A partition is known by its serial, whatever its size became. */
export const createdPartition = (entries: Hsm, serial: string): boolean =>
  entries.some((entry) => entry.event === 'partition-created' && entry.data.serial === serial);

/** Was one of this name begun, when none of that name was there, and did nobody hear since what came of it? Then an empty one of that name is it. */
export function beganPartition(entries: Hsm, name: string): boolean {
  const begun = entries.findLastIndex((entry) => entry.event === 'partition-create-begun' && entry.data.name === name);
  const heard = ({ event, data }: Hsm[number]) => (event === 'partition-created' || event === 'partition-not-created') && data.name === name;
  return begun > entries.findLastIndex(heard);
}

/** An `hsm/setup` that may have left. */
export interface SentSetup {
  id: string;
  partitionSerial: string;
  /** The certificate of the manager that it was sent to. */
  pin?: string;
  /** When it was about to be sent, and when the last was heard of it (that too where nothing was): by the Temporal server's clock, ms since the epoch. */
  sentAt?: number;
  heardAt?: number;
  /** Did CipherTrust Manager itself say what became of it? Else it may still be at work. */
  answered: boolean;
  /** It was answered that it failed; it may have wiped all the same. */
  failed: boolean;
  status?: number;
  /** What was heard, for a person. */
  evidence?: string;
  /** Under which order of a person, in which run, somebody was told last what became of it: only another order of the same run may send another. */
  toldUnder?: Order;
}

/** All attempts of one execution of a step: a retry that a person orders is another execution, and a workflow that was reset is another run. */
export interface Order {
  runId: string;
  execution: string;
}

const outcomes = ['setup-answered', 'setup-unknown', 'setup-failed'] as const;

/** The requests that may have left, in order. */
export function sentSetups(entries: Manager): SentSetup[] {
  const sent = new Map<string, SentSetup>();
  for (const entry of entries) {
    const { event, data, runId, execution } = entry;
    if (event === 'setup-sent') sent.set(data.id, sentSetup(data));
    if (event === 'setup-not-sent') sent.delete(data.id);
    const one = 'id' in data ? sent.get(data.id) : undefined;
    if (!one) continue;
    if (event === 'setup-told') one.toldUnder = { runId, execution };
    if (!isOutcome(entry)) continue;
    const { status, evidence, serverTime } = entry.data;
    Object.assign(one, { answered: event !== 'setup-unknown', failed: event === 'setup-failed', ...defined({ status, evidence, heardAt: serverTime }) });
  }
  return [...sent.values()];
}

function sentSetup({ id, partitionSerial, pin, serverTime }: Extract<Entry<'ciphertrust'>, { event: 'setup-sent' }>['data']): SentSetup {
  return { id, partitionSerial, answered: false, failed: false, ...defined({ pin, sentAt: serverTime, heardAt: serverTime }) };
}

const isOutcome = (entry: Entry<'ciphertrust'>): entry is Extract<Entry<'ciphertrust'>, { event: (typeof outcomes)[number] }> =>
  outcomes.some((outcome) => outcome === entry.event);

const defined = <T extends object>(fields: T): { [Key in keyof T]?: NonNullable<T[Key]> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [Key in keyof T]?: NonNullable<T[Key]> };

/** What is seen of a machine or HSM: what it cannot change and nobody else's has, and the random tag of the request that created it. */
export interface MachineIdentity {
  vmId?: string | undefined;
  hostKey?: string | undefined;
  tag?: string | undefined;
}

/**
 * Whose a machine or HSM is, as far as the record knows. `unknown`: no entry names it. `begun`: it carries the tag of the last request for it, and its identity is
 * still to be entered. `unidentified`: it was entered without an identity. `ours`: its identity was entered; `found` where no request for it was entered before.
 * `other`: something else is entered than is there, which `expected` shows.
 */
export type Standing =
  | { is: 'unknown' }
  | { is: 'begun' }
  | { is: 'unidentified' }
  | { is: 'ours'; found: boolean }
  | { is: 'other'; expected: { vmId?: string; hostKey?: string; tag?: string } };

type MachineEntry = Extract<Machines[number], { event: 'machine-create-begun' | 'machine-created' }>;

const machineEntriesOf = (entries: Machines, resourceId: string): MachineEntry[] =>
  entries.flatMap((entry) =>
    (entry.event === 'machine-create-begun' || entry.event === 'machine-created') && isSame(entry.data.resourceId, resourceId) ? [entry] : [],
  );

export function standingOf(entries: Machines, resourceId: string, seen: MachineIdentity): Standing {
  const own = machineEntriesOf(entries, resourceId);
  const last = own.at(-1);
  if (!last) return { is: 'unknown' };
  // Of any entry: a read that lags may hide a machine, so that another request is entered for one that is there.
  const known = own.findIndex(({ event, data }) => event === 'machine-created' && isIdentity(data, seen));
  if (known >= 0) return { is: 'ours', found: own[known - 1]?.event !== 'machine-create-begun' };
  if (last.event === 'machine-create-begun') return last.data.tag === seen.tag ? { is: 'begun' } : { is: 'other', expected: { tag: last.data.tag } };
  const { vmId, hostKey } = last.data;
  if (vmId === undefined && hostKey === undefined) return { is: 'unidentified' };
  return { is: 'other', expected: { ...(vmId === undefined ? {} : { vmId }), ...(hostKey === undefined ? {} : { hostKey }) } };
}

const isIdentity = ({ vmId, hostKey }: { vmId?: string; hostKey?: string }, seen: MachineIdentity): boolean =>
  (vmId !== undefined && vmId === seen.vmId) || (hostKey !== undefined && hostKey === seen.hostKey);

/** Is a machine or HSM ours: with this unchangeable identity, or, where the answer to its creation was lost, with the random tag of our last request for it? */
export const isOurs = (entries: Machines, resourceId: string, seen: MachineIdentity): boolean =>
  ['ours', 'begun'].includes(standingOf(entries, resourceId, seen).is);

/**
 * The tag of a request for a machine after which none was seen yet. Another request for it carries the same one: whichever of them takes effect, what it makes
 * is ours.
 */
export function openCreateTag(entries: Machines, resourceId: string): string | undefined {
  const last = machineEntriesOf(entries, resourceId).at(-1);
  return last?.event === 'machine-create-begun' ? last.data.tag : undefined;
}

/**
 * The secrets that this very VM was given. An entry without a vmId counts for none: it may be about one that had the
 * same name before.
 */
export const secretsGiven = (entries: Machines, resourceId: string, vmId: string | undefined): string[] =>
  entries.flatMap(({ event, data }) =>
    event === 'secret-given' && vmId !== undefined && data.vmId === vmId && isSame(data.machine, resourceId) ? [data.purpose] : [],
  );

/** Azure takes no notice of the case of an id. */
const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** Did a person approve just this, as the record knows? Ids of approvals end with a piece of the run's id, so that no other run's counts. */
export const isGranted = (entries: readonly Entry<'approvals'>[], wanted: Pick<DataOf<'approvals', 'approval-granted'>, 'approvalId' | 'digest'>): boolean =>
  entries.some(({ event, data }) => event === 'approval-granted' && data.approvalId === wanted.approvalId && data.digest === wanted.digest);

/**
 * Was this approval used for an act already, by whichever run and whatever came of that? An approval’s id carries the
 * job’s first run, which a reset of the workflow keeps: the reset run replays the same approval. Its use is entered
 * before the act’s own entry, so that of an act that has an id `mayHaveBegun` may say that it certainly did not.
 */
export const isUsed = (entries: readonly Entry<'approvals'>[], approvalId: string, mayHaveBegun: (act: string) => boolean = () => true): boolean =>
  entries.some(({ event, data }) => event === 'approval-used' && data.approvalId === approvalId && (data.act === undefined || mayHaveBegun(data.act)));

/** Something that erases the HSM or its partition was begun after the crypto officer had opened the partition last: what was verified then may be gone. */
export function erasedAfterLastProof(entries: Hsm): Entry<'hsm'> | undefined {
  const proved = entries.findLastIndex((entry) => entry.event === 'co-sign-in' && entry.data.outcome === 'accepted');
  const erasing = ['initialize-begun', 'erase-begun', 'partition-initialize-begun'] as const;
  return proved < 0 ? undefined : entries.slice(proved + 1).find(({ event }) => erasing.some((one) => one === event));
}
