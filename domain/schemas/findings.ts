import { Type } from 'typebox';

/** What steps find out about the systems and hand on to later steps, approvals and the report. */

const texts = Type.Array(Type.String());

/** A machine reached over SSH or HTTPS. The pin is what was seen at first contact: an SSH host key (`SHA256:…`) or a certificate’s SHA-256 fingerprint. */
export const pinned = Type.Object({ address: Type.String(), pin: Type.String() });

/** A CipherTrust Manager, and the Windows host where it is reached through that. The pin is the SHA-256 fingerprint of its web certificate. */
export const managerAt = Type.Object({ ...pinned.properties, through: Type.Optional(pinned) });

/** The web certificate that a manager presented at a first contact: its own names, and who signed it. */
export const presentedCertificate = Type.Object({
  subject: Type.String(),
  names: Type.String(),
  /** ISO 8601. */
  notBefore: Type.String(),
  notAfter: Type.String(),
  /** From the leaf upwards, as far as it was presented. */
  chain: Type.Array(Type.Object({ subject: Type.String(), issuer: Type.String(), fingerprint: Type.String() })),
});

/** How long the initial password worked, in ISO 8601: at most from, and at most until. */
export const exposure = Type.Object({ from: Type.String(), until: Type.String() });

/** A time server that a CipherTrust Manager follows though the request does not name it; the wipe takes it away. */
export const otherTimeServer = Type.Object({
  host: Type.String(),
  /** Is it asked with a key? That stays with the manager: nothing of it is kept here. */
  keyed: Type.Optional(Type.Literal(true)),
});

/** What a CipherTrust Manager holds and `hsm/setup` would wipe, beside what every new one has. */
export const managerHolds = Type.Object({
  name: Type.String(),
  address: Type.String(),
  version: Type.String(),
  users: texts,
  /** Undefined where it does not tell. */
  keys: Type.Optional(Type.Integer()),
  keysRead: Type.Optional(Type.Integer({ description: 'How many keys were read one by one, where those were not all.' })),
  domains: texts,
  hsms: texts,
  /** Is it a node of a cluster? Absent where it is none, or does not tell. */
  clustered: Type.Optional(Type.Literal(true)),
  untold: Type.Array(Type.String(), { description: 'What it does not tell of.' }),
  /** SHA-256 over all of it, each key that was read included: what an approval is bound to. */
  digest: Type.String(),
});

/** The Windows host and, through it or directly, the HSM. */
export const hosts = Type.Object({ windows: pinned, hsm: pinned });

export const partitionSeen = Type.Object({ serial: Type.String(), name: Type.String(), objects: Type.Integer(), usedBytes: Type.Integer() });

/** The HSM as `hsm show` and `partition list` tell it. */
export const hsmSeen = Type.Object({
  serial: Type.String(),
  label: Type.String(),
  firmware: Type.String(),
  software: Type.String(),
  zeroized: Type.Boolean(),
  fips: Type.Boolean(),
  /** SO sign-ins left before the HSM erases itself; 0 while zeroized. */
  soAttemptsLeft: Type.Integer(),
  partitions: Type.Array(partitionSeen),
  bytesInUse: Type.Integer(),
  /** SHA-256 over serial, label, FIPS mode, partitions, objects and bytes: what an approval is bound to. */
  digest: Type.String(),
});

export const imageVersion = Type.Object({ publisher: Type.String(), offer: Type.String(), sku: Type.String(), version: Type.String() });
/** A version of a marketplace image, or an image of the user’s own. */
export const imageWanted = Type.Union([imageVersion, Type.Object({ id: Type.String() })]);

/** A VM’s addresses; `reachable` is the one that this service uses. */
export const vmSeen = Type.Object({
  id: Type.String(),
  privateAddress: Type.String(),
  publicAddress: Type.Optional(Type.String()),
  reachable: Type.String(),
});

/** A certificate as shown to people and kept in reports; never its key. */
export const certificateSeen = Type.Object({
  pem: Type.String(),
  /** SHA-256, upper-case hex with colons. */
  fingerprint: Type.String(),
  /** ISO 8601. */
  notAfter: Type.String(),
});
