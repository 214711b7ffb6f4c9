import { type Static, type TProperties, Type } from 'typebox';

/**
 * What may be entered in a target record, by subject. An entry is a fact that no look can find out afterwards, in fields that a program reads: never a sentence
 * to be parsed, never a secret. `evidence` is quoted, masked text for people alone. A schema may only grow by new events and optional fields: what an older
 * version entered must be readable for as long as the target exists.
 */

const text = (maxLength = 300) => Type.String({ minLength: 1, maxLength });
const data = <Properties extends TProperties>(properties: Properties) => Type.Object(properties, { additionalProperties: false });
const evidence = Type.Optional(Type.String({ maxLength: 1000 }));
const nothing = data({ evidence });

/** A counted sign-in: `tried` is entered before the password leaves, the outcome once it is known. A `tried` without an outcome may have been refused. */
const signIn = data({ outcome: Type.Enum(['tried', 'refused', 'accepted']), serial: Type.Optional(text()), evidence });
/** The counters of a partition's roles begin again with the partition, so its serial belongs to them. */
const roleSignIn = data({
  outcome: Type.Enum(['tried', 'refused', 'accepted']),
  partitionSerial: Type.Optional(text()),
  /** With the role's first, temporary password. */
  first: Type.Optional(Type.Literal(true)),
  evidence,
});
/** A sign-in to the appliance with a password that is not known to be good. */
const applianceSignIn = data({ password: Type.Enum(['kept', 'factory']), outcome: Type.Enum(['tried', 'refused', 'accepted']), evidence });

/** A machine or the HSM itself: what makes it ours, even where the answer to its creation was lost. */
const machine = {
  /** Before the request: the resource was absent, and will carry a tag with this random value. */
  'machine-create-begun': data({ resourceId: text(1000), absent: Type.Literal(true), tag: text() }),
  /** After it: what the resource cannot change and nobody else's has. For a VM its `vmId`, for the HSM its host key. */
  'machine-created': data({ resourceId: text(1000), vmId: Type.Optional(text()), hostKey: Type.Optional(text()) }),
  /** Before a secret goes to it: from then on it holds the secret, whatever becomes of the answer. */
  'secret-given': data({
    machine: text(1000),
    /**
     * Of a VM that is there: one that was created again under the same name has been given nothing. Absent before a
     * machine is created.
     */
    vmId: Type.Optional(text()),
    purpose: text(),
  }),
};

/** When it was entered, by the Temporal server's clock, in ms since the epoch: the one clock that all workers share, so the only one that durations come from. */
const serverTime = Type.Optional(Type.Integer({ minimum: 0 }));

/** `hsm/setup`: each request has an id, since an answer belongs to one of them. */
const setup = {
  'setup-sent': data({
    id: text(),
    partitionSerial: text(),
    hsmAddress: Type.Optional(text()),
    approvalId: Type.Optional(text()),
    /** The certificate of the manager that it was sent to: one that presents another certificate since then has been wiped, or is another one. */
    pin: Type.Optional(text()),
    serverTime,
  }),
  'setup-answered': data({ id: text(), status: Type.Integer(), evidence, serverTime }),
  /** No answer came, or one that is not CipherTrust Manager's own: it may have taken effect. */
  'setup-unknown': data({ id: text(), status: Type.Optional(Type.Integer()), evidence, serverTime }),
  /** It certainly never left. */
  'setup-not-sent': data({ id: text(), evidence }),
  /** It was answered that it failed; it may have wiped all the same. */
  'setup-failed': data({ id: text(), status: Type.Optional(Type.Integer()), evidence, serverTime }),
  /** A person is told what became of it: only a retry after this entry's may send another. */
  'setup-told': data({ id: text() }),
  /** Something spoke against sending it, and a person is told. `doubt` is a code or a fingerprint, compared as a whole. */
  'setup-doubted': data({ doubt: text(), evidence }),
};

const passwordOfAdmin = data({ which: Type.Enum(['kept', 'default', 'generated']), evidence });

export const events = {
  hsm: {
    /** `hsm init` goes out; the HSM was seen zeroized. */
    'initialize-begun': data({ serial: Type.Optional(text()), evidence }),
    initialized: data({ serial: Type.Optional(text()), label: Type.Optional(text()) }),
    /** It looks like ours, and no entry shows that it is. A person is told: only a retry after this entry's may show it a password. */
    'ownership-doubted': data({ of: Type.Enum(['hsm', 'partition']), serial: text() }),
    /** Before an act that erases the HSM or a partition, with the approval that allows it. */
    'erase-begun': data({ act: text(), approvalId: text(), digest: text() }),
    /** What a look showed afterwards. */
    'erase-ended': data({ act: text(), outcome: Type.Enum(['erased', 'not-erased', 'unknown']), evidence }),
    /** No partition of this name was there at the last look. */
    'partition-create-begun': data({ name: text() }),
    /** The HSM said that it did not create it, or one of this name was there already, and nothing was sent. */
    'partition-not-created': data({ name: text() }),
    'partition-created': data({ serial: text(), name: text(), sizeBytes: Type.Integer({ minimum: 0 }) }),
    'partition-initialize-begun': data({ serial: text() }),
    /** Before a role gets its temporary password: from then on that one may hold. */
    'role-initialize-begun': data({ role: Type.Enum(['po', 'co']), partitionSerial: Type.Optional(text()) }),
    /** The temporary password was changed or refused: it holds no longer. */
    'role-first-password-over': data({ role: Type.Enum(['po', 'co']), partitionSerial: Type.Optional(text()) }),
    /** Before `sysconf regenCert`, which is sent only if no client is registered that trusts the certificate which it replaces. */
    /** With the fingerprint of the one that was there: where another one is there later, it was replaced. */
    'server-certificate-replace-begun': data({ before: Type.Optional(text()), evidence }),
    /** Before `vtl createcert`: from then on a certificate for this name may be on the Windows host, and that may be the host's own identity. */
    'client-certificate-create-begun': data({ name: text() }),
    /** Before a client that is registered with a certificate of ours is deleted. */
    'client-delete-begun': data({ client: text() }),
    /** Before `clientconfig deploy`, which registers the client and gives it the partition. */
    'client-deploy-begun': data({ client: text() }),
    'client-register-begun': data({ client: text() }),
    /** Before a client is given access to the partition. */
    'client-assign-begun': data({ client: text(), partitionSerial: text() }),
    /** Before any other LunaSH command that changes something: its text. */
    'command-begun': data({ command: text() }),
    /** What another run had begun, as the entry with this number says, was given its time: it is at work no more. */
    'left-open-awaited': data({ entry: Type.Integer({ minimum: 1 }) }),
    'appliance-sign-in': applianceSignIn,
    /** Before the kept password replaces the factory's: from then on either may hold. */
    'appliance-password-replace-begun': nothing,
    'so-sign-in': signIn,
    'po-sign-in': roleSignIn,
    'co-sign-in': roleSignIn,
    'secret-given': machine['secret-given'],
  },
  windows: machine,
  ciphertrust: {
    ...machine,
    ...setup,
    /** A password of admin is shown: kept, the factory's, or one that the manager generated. */
    'admin-password-tried': passwordOfAdmin,
    'admin-password-accepted': passwordOfAdmin,
    'admin-password-refused': passwordOfAdmin,
    /** Before the request that replaces it by the kept one. */
    'admin-password-replace-begun': passwordOfAdmin,
    'admin-password-replaced': passwordOfAdmin,
    /** The account is locked, so the answer says nothing about the password; with evidence: another answer that says nothing about it. */
    'admin-password-locked': passwordOfAdmin,
    /** The generated one could not be read: not yet, or not as ksadmin. */
    'admin-password-unreadable': data({ which: Type.Literal('generated'), passes: Type.Boolean(), evidence }),
  },
  deployment: machine,
  approvals: {
    /** A person approved it, and that counted: what erases requires this beside the engine's word. `digest` is of what was approved. */
    'approval-granted': data({ approvalId: text(), digest: text(), actor: text() }),
    /** Before the act that it allows; an approval allows one act. */
    'approval-used': data({ approvalId: text(), digest: text(), act: Type.Optional(text()) }),
  },
} as const;

type Events = typeof events;
export type Subject = keyof Events;
export const subjects = Object.keys(events) as Subject[];
export type EventOf<S extends Subject> = keyof Events[S] & string;
export type DataOf<S extends Subject, E extends EventOf<S>> = Events[S][E] extends infer Schema extends ReturnType<typeof Type.Object> ? Static<Schema> : never;

/** An event with its subject: what the target record must have before an act. */
export type EntryName = { [S in Subject]: `${S}/${EventOf<S>}` }[Subject];

/** Who enters something: an attempt of an activity, under a retry that a person ordered. */
export interface Writer {
  /** The target's job: the workflow id. */
  jobId: string;
  runId: string;
  /** The activity's id: the same for all its attempts, another one for each retry that a person ordered. */
  execution: string;
  /** Numbers may repeat after a reset of the activity: evidence, never an identity. */
  attempt: number;
  /** How often a person ordered this step, its first time included. */
  retry: number;
}

/** What every entry has beside its event. */
export const entryFields = {
  n: Type.Integer({ minimum: 1 }),
  /** Random. */
  id: Type.String({ pattern: '^[0-9a-f]{32}$' }),
  /** ISO 8601, by the clock of the worker that entered it: evidence for people, never a basis for a decision. */
  at: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' }),
  jobId: text(),
  runId: text(),
  execution: text(),
  attempt: Type.Integer({ minimum: 1 }),
  retry: Type.Integer({ minimum: 1 }),
};

/** An entry of a subject: its event decides the type of its data. */
export type Entry<S extends Subject = Subject> = S extends Subject
  ? { [E in EventOf<S>]: Writer & { n: number; id: string; at: string; event: E; data: DataOf<S, E> } }[EventOf<S>]
  : never;
