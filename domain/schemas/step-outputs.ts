import { type TObject, Type } from 'typebox';
import type { ActivityId } from '../steps.ts';
import {
  certificateSeen,
  exposure,
  hsmSeen,
  imageVersion,
  imageWanted,
  managerAt,
  managerHolds,
  otherTimeServer,
  pinned,
  presentedCertificate,
  vmSeen,
} from './findings.ts';
import { storedReport } from './progress.ts';

const texts = Type.Array(Type.String());
const warnings = texts;
const maybeWarnings = Type.Optional(texts);
const createdVm = Type.Object({ ...vmSeen.properties, warnings: maybeWarnings });

/** The result of every step that an activity carries out. A field of one name means the same in all of them: the report takes it from the last that tells it. */
export const stepOutputs = {
  'keep-secrets': Type.Object({ names: texts, windowsPublicKey: Type.String(), cipherTrustPublicKey: Type.String() }),
  'check-feature': Type.Object({ state: Type.String() }),
  'register-providers': Type.Object({ registered: texts }),
  'check-availability': Type.Object({
    cipherTrustImage: imageWanted,
    windowsImage: imageVersion,
    termsNeeded: Type.Boolean(),
    warnings,
    /** ksadmin’s, where it is stored in Azure. */
    cipherTrustPublicKey: Type.Optional(Type.String()),
  }),
  'resource-group': Type.Object({ id: Type.String() }),
  'virtual-network': Type.Object({ computeSubnetId: Type.String(), hsmSubnetId: Type.String(), gatewaySubnetId: Type.String() }),
  'deploy-hsm': Type.Object({
    deploymentId: Type.String(),
    /** As Azure works it out. */
    templateHash: Type.String(),
    /** SHA-256 of the user’s own template, where one was deployed. */
    templateSha256: Type.Optional(Type.String()),
    gatewayWasThere: Type.Boolean(),
    warnings: maybeWarnings,
  }),
  'verify-hsm': Type.Object({ hsmId: Type.String(), hsmAddress: Type.String(), tags: Type.Record(Type.String(), Type.String()) }),
  'windows-vm': createdVm,
  'install-luna-client': Type.Object({ windows: pinned, clientVersion: Type.String(), certificateClientVersion: Type.Optional(Type.String()) }),
  'accept-terms': Type.Object({ accepted: Type.Boolean() }),
  'ciphertrust-vm': createdVm,
  'first-boot': Type.Object({
    cipherTrust: managerAt,
    openSince: Type.Optional(Type.String()),
    certificate: Type.Optional(presentedCertificate),
    warnings: maybeWarnings,
  }),
  /** The exposure is known where it was this job that replaced the initial password. */
  'admin-password': Type.Object({ exposure: Type.Optional(exposure) }),
  ntp: Type.Object({ servers: texts, synchronized: Type.Boolean(), warnings, others: Type.Optional(Type.Array(otherTimeServer)) }),
  license: Type.Object({ kind: Type.String(), state: Type.String() }),
  'appliance-password': Type.Object({ appliance: pinned }),
  'inspect-hsm': Type.Object({ hsm: hsmSeen, clock: Type.String(), warnings }),
  'initialize-hsm': Type.Object({ hsm: hsmSeen }),
  /** `approval-used`: the change was begun under this approval and did not take effect; another approval is needed. */
  'fips-mode': Type.Object({ outcome: Type.Enum(['on', 'changed-since-approval', 'approval-used']), hsm: hsmSeen }),
  'create-partition': Type.Object({ partition: Type.Object({ name: Type.String(), serial: Type.String(), sizeBytes: Type.Number() }) }),
  'prepare-ntls': Type.Object({ serverCertificate: certificateSeen, skewSeconds: Type.Number(), warnings }),
  'connect-client': Type.Object({ slot: Type.Number() }),
  'initialize-partition': Type.Object({ label: Type.String() }),
  'crypto-officer': Type.Object({ attemptsLeft: Type.Optional(Type.Number()) }),
  'client-certificate': Type.Object({ clientCertificate: certificateSeen, keySecret: Type.String(), warnings: maybeWarnings }),
  'register-client': Type.Object({ client: Type.String(), registeredBy: Type.Enum(['ip', 'hostname']), serverCertificate: certificateSeen }),
  'set-root-of-trust': Type.Object({
    cipherTrust: managerAt,
    /** Holds more than a new manager, and nobody agreed to wipe exactly that: nothing was done. */
    needsApproval: Type.Optional(managerHolds),
    /** Was wiped by this job: since when its initial password may have worked again, and what it presents now. */
    openSince: Type.Optional(Type.String()),
    certificate: Type.Optional(presentedCertificate),
    /** It said that it failed, and was wiped all the same: it needs its password at once. Another one is sent only after a person was told. */
    failed: Type.Optional(Type.Literal(true)),
    warnings: maybeWarnings,
  }),
  'reset-password': Type.Object({
    cipherTrust: managerAt,
    warnings,
    /** After this wipe. */
    exposure: Type.Optional(exposure),
    exposures: Type.Optional(Type.Array(exposure)),
  }),
  'verify-root-of-trust': Type.Object({
    version: Type.String(),
    entry: Type.Object({ id: Type.String(), host: Type.String(), serial: Type.String() }),
    sealer: Type.Optional(Type.String()),
    rootKeys: texts,
    warnings,
  }),
  'web-certificate': Type.Object({ cipherTrust: managerAt, name: Type.String(), webCertificate: Type.Optional(certificateSeen), warnings }),
  'confirm-root-of-trust': Type.Object({ hsm: hsmSeen, warnings }),
  'remove-temporary-access': Type.Object({ removedRules: texts, deallocated: Type.Boolean() }),
  report: storedReport,
} satisfies Record<ActivityId, TObject>;
