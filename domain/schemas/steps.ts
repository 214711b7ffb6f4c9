import { type TObject, type TSchema, Type } from 'typebox';
import { ProvisioningRequest, template } from '../request-schema.ts';
import { type ActivityId, idsOf } from '../steps.ts';
import { certificateSeen, exposure, hosts, imageVersion, imageWanted, managerAt, otherTimeServer, pinned, vmSeen } from './findings.ts';
import { whatIf } from './plan.ts';
import { reportDraft } from './report-draft.ts';
import { stepOutputs } from './step-outputs.ts';

/** What every step knows: which job it acts for and what the person decided. */
export const stepContext = Type.Object({
  /** Target id: workflow id, secret prefix, value of the `provisioner` tag. */
  target: Type.String(),
  runId: Type.String(),
  request: ProvisioningRequest,
  /** How often a person ordered this step, its first time included; absent at that. What an earlier order sent may still be at work. */
  order: Type.Optional(Type.Integer()),
});

const nothing = Type.Object({});
const onPartition = Type.Object({ ...hosts.properties, partitionSerial: Type.String() });
const rootOfTrust = Type.Object({
  ...onPartition.properties,
  cipherTrust: managerAt,
  /** A person set its web certificate, or nobody did. */
  ownCertificateSkipped: Type.Optional(Type.Literal(true)),
});

/** What every step is given beside that: with the results, the whole data flow of the workflow. */
export const stepInputs = {
  'keep-secrets': nothing,
  'check-feature': nothing,
  'register-providers': nothing,
  'check-availability': nothing,
  'resource-group': nothing,
  'virtual-network': nothing,
  'deploy-hsm': Type.Object({ hsmSubnetId: Type.String(), template: Type.Optional(template) }),
  'verify-hsm': nothing,
  'windows-vm': Type.Object({ computeSubnetId: Type.String(), image: imageVersion }),
  'install-luna-client': Type.Object({ vm: vmSeen, publicKey: Type.String() }),
  'accept-terms': Type.Object({ image: imageWanted }),
  'ciphertrust-vm': Type.Object({ computeSubnetId: Type.String(), image: imageWanted, publicKey: Type.String() }),
  'first-boot': Type.Object({
    reachable: Type.String(),
    through: Type.Optional(pinned),
    publicKey: Type.Optional(Type.String()),
    /** When its VM was there. */
    since: Type.Optional(Type.String()),
  }),
  'admin-password': Type.Object({ cipherTrust: managerAt, openSince: Type.Optional(Type.String()) }),
  ntp: Type.Object({ cipherTrust: managerAt }),
  license: Type.Object({ cipherTrust: managerAt }),
  'appliance-password': Type.Object({ windows: pinned, hsmAddress: Type.String() }),
  'inspect-hsm': hosts,
  'initialize-hsm': hosts,
  'fips-mode': Type.Object({ ...hosts.properties, approvedDigest: Type.String(), approvalId: Type.String() }),
  'create-partition': hosts,
  'prepare-ntls': hosts,
  'connect-client': onPartition,
  'initialize-partition': onPartition,
  'crypto-officer': onPartition,
  'client-certificate': onPartition,
  'register-client': Type.Object({ ...onPartition.properties, clientCertificate: certificateSeen }),
  'set-root-of-trust': Type.Object({
    cipherTrust: managerAt,
    hsmAddress: Type.String(),
    partitionSerial: Type.String(),
    serverCertificate: certificateSeen,
    clientCertificate: certificateSeen,
    keySecret: Type.String(),
    /** ksadmin’s, should a wipe take it away. */
    publicKey: Type.Optional(Type.String()),
    /** Did this job replace the initial password? Then nobody but it could put anything in before. */
    fresh: Type.Optional(Type.Boolean()),
    /** Of what a person agreed to wipe, and by which approval: one allows one wipe. */
    approvedDigest: Type.Optional(Type.String()),
    approvalId: Type.Optional(Type.String()),
    /** Of the HSM’s side; absent in jobs that began before it was looked at. */
    ...Type.Partial(hosts).properties,
  }),
  'reset-password': Type.Object({
    cipherTrust: managerAt,
    partitionSerial: Type.String(),
    openSince: Type.Optional(Type.String()),
    /** After wipes before this one. */
    exposures: Type.Optional(Type.Array(exposure)),
    /** Time servers that it had before the wipe. */
    others: Type.Optional(Type.Array(otherTimeServer)),
    /** A person decided to go on without the request’s. */
    ntpSkipped: Type.Optional(Type.Literal(true)),
  }),
  'verify-root-of-trust': Type.Object({ ...onPartition.properties, cipherTrust: managerAt }),
  'web-certificate': Type.Object({ cipherTrust: managerAt }),
  'confirm-root-of-trust': rootOfTrust,
  'remove-temporary-access': Type.Object({ windowsVm: vmSeen }),
  report: Type.Object({
    report: reportDraft,
    /** What a completed job looks at for the last time, and whether the way through the Windows host is open still; absent where a job ends early. */
    last: Type.Optional(Type.Object({ ...rootOfTrust.properties, isWayOpen: Type.Boolean() })),
  }),
} satisfies Record<ActivityId, TObject>;

/** An approval that counted. */
export const approvalGranted = Type.Object({ approvalId: Type.String(), digest: Type.String(), actor: Type.String() });

export interface ActivitySchemas {
  input: TSchema;
  output: TSchema;
}

const stepSchemas = Object.fromEntries(
  idsOf(stepInputs).map((id): [string, ActivitySchemas] => {
    const input = Type.Object({ ...stepContext.properties, ...stepInputs[id].properties });
    return [id, { input, output: stepOutputs[id] }];
  }),
);

/** What each activity is called with and answers, by its name: the steps, and what is no step. Workers check against it. */
export const activitySchemas: Readonly<Record<string, ActivitySchemas>> = {
  ...stepSchemas,
  inventory: { input: stepContext, output: Type.Array(Type.String()) },
  'enter-approval': { input: Type.Object({ ...stepContext.properties, ...approvalGranted.properties }), output: Type.Object({}) },
  'what-if': { input: stepContext, output: whatIf },
};
