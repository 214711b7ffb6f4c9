import type { EntryName } from '../stores/record/events.ts';

/**
 * What goes on by itself after one permit: it was sent by an attempt that was still the current one, and may finish long after that attempt was replaced. This
 * table is the only place that says how long, and what a later attempt does about it. `converge` refuses a permit for an act that its rule does not declare.
 */
export type LastingAct = Common & (OnRecord | { erases?: never; discloses?: never; entries?: never });

interface Common {
  /** What is at work on the other side. */
  what: string;
  /** The longest it may be at work. `commandMs` is the longest that a LunaSH command may run (HSM_COMMAND_MS). */
  longestMs(commandMs: number): number;
  /**
   * `waits`: nothing shows whether it is still at work, so a later attempt waits for its longest run before it looks. `ends`: a program on the Windows host does
   * it to its end, so a later attempt looks at once where that program no longer runs; where it runs it is ended, and, since the HSM may still be at work for it,
   * or where the host cannot tell, its longest run is waited for. `looks`: the system itself tells, so a later attempt looks at once and polls.
   */
  successor: 'waits' | 'ends' | 'looks';
  /** How long its bytes may be on their way after the permit, where nobody ended the connection that carries them, in milliseconds; for what erases. */
  deliveryMs?(commandMs: number): number;
  /** How the later attempt ends it or finds out about it. */
  how: string;
}

interface OnRecord {
  /** It may erase what nobody brings back, or give a machine or a client a secret or access: only a step whose line in the catalog says so gets a permit. */
  erases?: true;
  discloses?: true;
  /**
   * The entries of the target record that must be made before its permit: each of these, and one of those that stand in a list of their own. `acts-on-record.ts`
   * says how many acts one of them opens.
   */
  entries: Entries;
}

type Entries = readonly (EntryName | readonly EntryName[])[];

const asLongAsACommand = (commandMs: number): number => commandMs;
/**
 * An appliance drops a session whose peer it has not reached for 15 s. Until then TCP repeats what got lost, in gaps that double: the last repetition comes at most
 * as long again later. 30 s with the default, which the embedded stack divides by its time scale (docs/reference/luna.md#ssh-keepalive).
 */
const asLongAsRetransmissions = (commandMs: number): number => commandMs / 5;
const hours = (count: number) => (): number => count * 3_600_000;

export const lastingActs = {
  'lunash-command': {
    what: 'a LunaSH command, or the answer to one of its questions',
    longestMs: asLongAsACommand,
    successor: 'waits',
    entries: ['hsm/command-begun'],
    how: 'Where the HSM is reached through the Windows host, the session is ended there, so that nothing that the host still holds arrives later. A command that arrived may still run: the appliance does not show commands of other sessions.',
  },
  'lunash-erasing-command': {
    what: 'a LunaSH command that erases the HSM or a partition, or an answer to it',
    longestMs: asLongAsACommand,
    deliveryMs: asLongAsRetransmissions,
    successor: 'waits',
    erases: true,
    entries: ['hsm/erase-begun'],
    how: 'As with other LunaSH commands. Where the session was not ended at the Windows host (HSM_LUNA_VIA=direct has none), a later attempt also waits for the longest time that TCP may still deliver it.',
  },
  'lunash-certificate-replacement': {
    what: '`sysconf regenCert`, which cuts off whoever trusts the certificate that it replaces, or an answer to it',
    longestMs: asLongAsACommand,
    deliveryMs: asLongAsRetransmissions,
    successor: 'waits',
    erases: true,
    entries: ['hsm/server-certificate-replace-begun'],
    how: 'As with others that erase.',
  },
  'lunash-client-removal': {
    what: 'a LunaSH command that cuts a client off, or an answer to it',
    longestMs: asLongAsACommand,
    deliveryMs: asLongAsRetransmissions,
    successor: 'waits',
    erases: true,
    entries: ['hsm/client-delete-begun'],
    how: 'As with others that erase.',
  },
  'lunash-init': {
    what: '`hsm init`, which erases, and takes the password of the SO and the cloning domain',
    longestMs: asLongAsACommand,
    deliveryMs: asLongAsRetransmissions,
    successor: 'waits',
    erases: true,
    discloses: true,
    entries: ['hsm/initialize-begun'],
    how: 'As with others that erase.',
  },
  'lunash-access': {
    what: 'a LunaSH command that gives a client access to a partition',
    longestMs: asLongAsACommand,
    successor: 'waits',
    discloses: true,
    entries: ['ciphertrust/secret-given', ['hsm/client-register-begun', 'hsm/client-assign-begun']],
    how: 'As with other LunaSH commands; the target record says who got what.',
  },
  'lunash-new-password': {
    what: 'the new password of the appliance’s admin, and what is typed with it',
    longestMs: asLongAsACommand,
    successor: 'waits',
    discloses: true,
    entries: ['hsm/appliance-password-replace-begun'],
    how: 'As with other LunaSH commands; the target record says that it was begun.',
  },
  'lunash-sign-in': {
    what: '`hsm login`, which shows the password of the SO',
    longestMs: asLongAsACommand,
    successor: 'waits',
    entries: ['hsm/so-sign-in'],
    how: 'As with other LunaSH commands; the target record says that it was tried.',
  },
  'lunash-partition-create': {
    what: '`partition create`: that the partition is this target’s is known by the record alone',
    longestMs: asLongAsACommand,
    successor: 'waits',
    entries: ['hsm/partition-create-begun'],
    how: 'As with other LunaSH commands; the target record says that it was begun.',
  },
  'lunacm-script': {
    what: 'a lunacm script with a sign-in in it',
    entries: [['hsm/po-sign-in', 'hsm/co-sign-in']],
    longestMs: asLongAsACommand,
    successor: 'ends',
    how: 'lunacm is known by the path of its script in its command line, and ended. The script file is removed before anything else runs.',
  },
  'lunacm-role-init': {
    what: '`role init` by lunacm, with the password of the partition’s SO and the first one of the crypto officer in its script',
    discloses: true,
    entries: ['hsm/role-initialize-begun', 'hsm/po-sign-in'],
    longestMs: asLongAsACommand,
    successor: 'ends',
    how: 'As with other lunacm scripts.',
  },
  'lunacm-role-password': {
    what: '`role changepw` by lunacm, with the first and the kept password of a role in its script',
    discloses: true,
    entries: [['hsm/po-sign-in', 'hsm/co-sign-in']],
    longestMs: asLongAsACommand,
    successor: 'ends',
    how: 'As with other lunacm scripts.',
  },
  'lunacm-partition-init': {
    what: '`partition init` by lunacm, with the password of the partition’s SO and the cloning domain in its script',
    erases: true,
    discloses: true,
    entries: ['hsm/partition-initialize-begun'],
    longestMs: asLongAsACommand,
    successor: 'ends',
    how: 'As with other lunacm scripts.',
  },
  'clientconfig-deploy': {
    what: '`clientconfig deploy` by lunacm',
    discloses: true,
    entries: ['windows/secret-given', 'hsm/client-deploy-begun'],
    longestMs: asLongAsACommand,
    successor: 'ends',
    how: 'As with other lunacm scripts; its own connection to the HSM’s port 22 is ended, too. The certificate that it made is found among those set aside.',
  },
  'vtl-createcert': {
    what: '`vtl createcert` on the Windows host',
    entries: ['hsm/client-certificate-create-begun'],
    longestMs: asLongAsACommand,
    successor: 'ends',
    how: 'vtl is known by its command line, and ended. The host’s own NTLS configuration is restored from its backup before anything else.',
  },
  'hsm-setup': {
    what: '`hsm/setup`: CipherTrust Manager checks the partition, answers, then wipes itself and restarts',
    erases: true,
    discloses: true,
    entries: ['ciphertrust/setup-sent'],
    longestMs: asLongAsACommand,
    successor: 'waits',
    how: 'The request is in the target record before it is sent; for a while after its longest run an unchanged certificate still says nothing.',
  },
  'manager-password': {
    what: 'a request that replaces the password of CipherTrust Manager’s admin by the kept one',
    longestMs: () => 0,
    discloses: true,
    entries: ['ciphertrust/admin-password-replace-begun'],
    successor: 'looks',
    how: 'It is over when it is answered; the next look shows whether it took effect.',
  },
  'manager-secret': {
    what: 'a request that gives CipherTrust Manager a key or a license',
    longestMs: () => 0,
    discloses: true,
    entries: ['ciphertrust/secret-given'],
    successor: 'looks',
    how: 'It is over when it is answered; the next look shows whether it took effect.',
  },
  'service-restart': {
    what: 'a restart of CipherTrust Manager’s web service',
    longestMs: (commandMs) => 0.4 * commandMs,
    successor: 'looks',
    how: 'It presents another certificate, or none, when it restarts.',
  },
  'run-command': {
    what: 'a managed run command, which installs the Luna client',
    discloses: true,
    entries: ['windows/secret-given'],
    longestMs: hours(1),
    successor: 'looks',
    how: 'It has a name of its own in this run; Azure tells its state and ends it after an hour.',
  },
  'arm-deployment': {
    what: 'an ARM deployment',
    longestMs: hours(3),
    successor: 'looks',
    how: 'Azure tells its state; a later attempt attaches to one that has the same template and parameters.',
  },
  'arm-machine': {
    what: 'the creation of a virtual machine, with its administrator’s password or custom data',
    discloses: true,
    entries: [['windows/machine-create-begun', 'ciphertrust/machine-create-begun']],
    longestMs: hours(1),
    successor: 'looks',
    how: 'The machine tells its provisioning state.',
  },
  'arm-change': {
    what: 'any other change that Azure has accepted',
    longestMs: hours(1),
    successor: 'looks',
    how: 'The resource tells its provisioning state.',
  },
} as const satisfies Record<string, LastingAct>;

export type LastingActName = keyof typeof lastingActs;
const actNames = Object.keys(lastingActs) as LastingActName[];

export type Mark = 'erases' | 'discloses';
export const marksOf = (name: LastingActName): Mark[] => (['erases', 'discloses'] as const).filter((mark) => mark in lastingActs[name]);

/** For each entry that it needs, the entries that will do. */
export const entriesFor = (name: LastingActName): EntryName[][] => {
  const { entries = [] }: LastingAct = lastingActs[name];
  return entries.map((entry) => [entry].flat());
};

/** The acts that are sent once this entry is made. */
export const actsAfter = (entry: EntryName): LastingActName[] => actNames.filter((name) => entriesFor(name).flat().includes(entry));

/** What decides how long a later attempt waits. */
export interface Waiting {
  commandMs: number;
  lunaVia?: 'client' | 'direct';
}

const actsOf = (names: readonly LastingActName[], ...successors: LastingAct['successor'][]): LastingAct[] =>
  names.map((name): LastingAct => lastingActs[name]).filter(({ successor }) => successors.includes(successor));

const deliveredAndDoneMs = ({ longestMs, deliveryMs = () => 0 }: LastingAct, commandMs: number): number => deliveryMs(commandMs) + longestMs(commandMs);

/** How long a later attempt waits before it looks, because of what an earlier one may have left at work; the grace of its last permit comes on top. */
export const settlingMs = (names: readonly LastingActName[], { commandMs }: Waiting): number =>
  Math.max(0, ...actsOf(names, 'waits', 'ends').map((act) => deliveredAndDoneMs(act, commandMs)));

/** The same where nothing of an earlier attempt is on the Windows host any more: no program, and no session with the HSM that goes through it. */
export const settlingAfterEndMs = (names: readonly LastingActName[], { commandMs, lunaVia }: Waiting): number =>
  Math.max(0, ...actsOf(names, 'waits').map((act) => (lunaVia === 'direct' ? deliveredAndDoneMs(act, commandMs) : act.longestMs(commandMs))));

/** Do these leave something on the Windows host: a program, or a session with the HSM that goes through it? */
export const leaveOnHost = (names: readonly LastingActName[], lunaVia: Waiting['lunaVia']): boolean =>
  actsOf(names, 'ends').length > 0 || (lunaVia === 'client' && names.some((name) => name.startsWith('lunash-')));
