import type { ReportDraft } from './report.ts';
import type { ProvisioningRequest, TemplateSource } from './request.ts';
import type { ActivityId } from './steps.ts';

/** What every step knows: which job it acts for and what the person decided. */
export interface Job {
  /** Target id: workflow id, secret prefix, value of the `provisioner` tag. */
  target: string;
  runId: string;
  request: ProvisioningRequest;
  /** How often a person ordered this step, its first time included; absent at that. What an earlier order sent may still be at work. */
  order?: number;
}

/** A machine reached over SSH or HTTPS. The pin is what was seen at first contact: an SSH host key (`SHA256:…`) or a certificate’s SHA-256 fingerprint. */
export interface Pinned {
  address: string;
  pin: string;
}

/** A CipherTrust Manager, and the Windows host where it is reached through that. The pin is the SHA-256 fingerprint of its web certificate. */
export interface ManagerAt extends Pinned {
  through?: Pinned;
}

/** The web certificate that a manager presented at a first contact: its own names, and who signed it. */
export interface PresentedCertificate {
  subject: string;
  names: string;
  /** ISO 8601. */
  notBefore: string;
  notAfter: string;
  /** From the leaf upwards, as far as it was presented. */
  chain: { subject: string; issuer: string; fingerprint: string }[];
}

/** How long the initial password worked, in ISO 8601: at most from, and at most until. */
export interface Exposure {
  from: string;
  until: string;
}

/** A time server that a CipherTrust Manager follows though the request does not name it; the wipe takes it away. */
export interface OtherTimeServer {
  host: string;
  /** Is it asked with a key? That stays with the manager: nothing of it is kept here. */
  keyed?: true;
}

/** What a CipherTrust Manager holds and `hsm/setup` would wipe, beside what every new one has. */
export interface ManagerHolds {
  name: string;
  address: string;
  version: string;
  users: string[];
  /** Undefined where it does not tell. */
  keys?: number;
  /** How many of them were read one by one, where those were not all. */
  keysRead?: number;
  domains: string[];
  hsms: string[];
  /** Is it a node of a cluster? Absent where it is none, or does not tell. */
  clustered?: true;
  /** What it does not tell of: users, keys, domains. */
  untold: string[];
  /** SHA-256 over all of it, each key that was read included: what an approval is bound to. */
  digest: string;
}

/** The Windows host and, through it or directly, the HSM. */
export interface Hosts {
  windows: Pinned;
  hsm: Pinned;
}

export interface PartitionSeen {
  serial: string;
  name: string;
  objects: number;
  usedBytes: number;
}

/** The HSM as `hsm show` and `partition list` tell it. */
export interface HsmSeen {
  serial: string;
  label: string;
  firmware: string;
  software: string;
  zeroized: boolean;
  fips: boolean;
  /** SO sign-ins left before the HSM erases itself; 0 while zeroized. */
  soAttemptsLeft: number;
  partitions: PartitionSeen[];
  bytesInUse: number;
  /** SHA-256 over serial, label, FIPS mode, partitions, objects and bytes: what an approval is bound to. */
  digest: string;
}

export interface ImageVersion {
  publisher: string;
  offer: string;
  sku: string;
  version: string;
}

/** A VM’s addresses; `reachable` is the one that this service uses. */
export interface VmSeen {
  id: string;
  privateAddress: string;
  publicAddress?: string;
  reachable: string;
}

/** A certificate as shown to people and kept in reports; never its key. */
export interface CertificateSeen {
  pem: string;
  /** SHA-256, upper-case hex with colons. */
  fingerprint: string;
  /** ISO 8601. */
  notAfter: string;
}

type Nothing = Record<never, never>;

/** Input (beside the job) and result of every activity: the whole data flow of the workflow. */
export interface StepTypes {
  'keep-secrets': { needs: Nothing; gives: { names: string[]; windowsPublicKey: string; cipherTrustPublicKey: string } };
  'check-feature': { needs: Nothing; gives: { state: string } };
  'register-providers': { needs: Nothing; gives: { registered: string[] } };
  'check-availability': {
    needs: Nothing;
    gives: {
      cipherTrustImage: ImageVersion | { id: string };
      windowsImage: ImageVersion;
      termsNeeded: boolean;
      warnings: string[];
      /** ksadmin’s, where it is stored in Azure. */
      cipherTrustPublicKey?: string;
    };
  };
  'resource-group': { needs: Nothing; gives: { id: string } };
  'virtual-network': { needs: Nothing; gives: { computeSubnetId: string; hsmSubnetId: string; gatewaySubnetId: string } };
  'deploy-hsm': {
    needs: { hsmSubnetId: string; template?: TemplateSource };
    gives: {
      deploymentId: string;
      /** As Azure works it out. */
      templateHash: string;
      /** SHA-256 of the user’s own template, where one was deployed. */
      templateSha256?: string;
      gatewayWasThere: boolean;
      warnings?: string[];
    };
  };
  'verify-hsm': { needs: Nothing; gives: { id: string; address: string; tags: Record<string, string> } };
  'windows-vm': { needs: { computeSubnetId: string; image: ImageVersion }; gives: VmSeen };
  'install-luna-client': { needs: { vm: VmSeen; publicKey: string }; gives: { windows: Pinned; clientVersion: string; certificateClientVersion?: string } };
  'accept-terms': { needs: { image: ImageVersion | { id: string } }; gives: { accepted: boolean } };
  'ciphertrust-vm': { needs: { computeSubnetId: string; image: ImageVersion | { id: string }; publicKey: string }; gives: VmSeen };
  'first-boot': {
    /** `since`: when its VM was there. */
    needs: { reachable: string; through?: Pinned; publicKey?: string; since?: string };
    gives: { cipherTrust: ManagerAt; openSince?: string; certificate?: PresentedCertificate; warnings?: string[] };
  };
  /** The exposure is known where it was this job that replaced the initial password. */
  'admin-password': { needs: { cipherTrust: ManagerAt; openSince?: string }; gives: { exposure?: Exposure } };
  ntp: { needs: { cipherTrust: ManagerAt }; gives: { servers: string[]; synchronised: boolean; warnings: string[]; others?: OtherTimeServer[] } };
  licence: { needs: { cipherTrust: ManagerAt }; gives: { kind: string; state: string } };
  'appliance-password': { needs: { windows: Pinned; hsmAddress: string }; gives: { hsm: Pinned } };
  'inspect-hsm': { needs: Hosts; gives: { hsm: HsmSeen; clock: string; warnings: string[] } };
  'initialize-hsm': { needs: Hosts; gives: { hsm: HsmSeen } };
  'fips-mode': {
    needs: Hosts & { approvedDigest: string; approvalId: string };
    /** `approval-used`: the change was begun under this approval and did not take effect; another approval is needed. */
    gives: { outcome: 'on' | 'changed-since-approval' | 'approval-used'; hsm: HsmSeen };
  };
  'create-partition': { needs: Hosts; gives: { partition: { name: string; serial: string; sizeBytes: number } } };
  'prepare-ntls': { needs: Hosts; gives: { serverCertificate: CertificateSeen; skewSeconds: number; warnings: string[] } };
  'connect-client': { needs: Hosts & { partitionSerial: string }; gives: { slot: number } };
  'initialize-partition': { needs: Hosts & { partitionSerial: string }; gives: { label: string } };
  'crypto-officer': { needs: Hosts & { partitionSerial: string }; gives: { attemptsLeft?: number } };
  'client-certificate': { needs: Hosts & { partitionSerial: string }; gives: { clientCertificate: CertificateSeen; keySecret: string; warnings?: string[] } };
  'register-client': {
    needs: Hosts & { clientCertificate: CertificateSeen };
    gives: { client: string; registeredBy: 'ip' | 'hostname'; serverCertificate: CertificateSeen };
  };
  'set-root-of-trust': {
    needs: {
      cipherTrust: ManagerAt;
      hsmAddress: string;
      partitionSerial: string;
      serverCertificate: CertificateSeen;
      clientCertificate: CertificateSeen;
      keySecret: string;
      /** ksadmin’s, should a wipe take it away. */
      publicKey?: string;
      /** Did this job replace the initial password? Then nobody but it could put anything in before. */
      fresh?: boolean;
      /** Of what a person agreed to wipe. */
      approvedDigest?: string;
      /** Of the HSM’s side; absent in jobs that began before it was looked at. */
    } & Partial<Hosts>;
    gives: {
      cipherTrust: ManagerAt;
      /** Holds more than a new manager, and nobody agreed to wipe exactly that: nothing was done. */
      needsApproval?: ManagerHolds;
      /** Was wiped by this job: since when its initial password may have worked again, and what it presents now. */
      openSince?: string;
      certificate?: PresentedCertificate;
      /** It said that it failed, and was wiped all the same: it needs its password at once. Another one is sent only after a person was told. */
      failed?: true;
      warnings?: string[];
    };
  };
  'reset-password': {
    /** `exposures`: after wipes before this one. `others`: time servers that it had before the wipe. `ntpSkipped`: a person decided to go on without the request’s. */
    needs: { cipherTrust: ManagerAt; partitionSerial: string; openSince?: string; exposures?: Exposure[]; others?: OtherTimeServer[]; ntpSkipped?: true };
    /** `exposure`: after this wipe. */
    gives: { cipherTrust: ManagerAt; warnings: string[]; exposure?: Exposure; exposures?: Exposure[] };
  };
  'verify-root-of-trust': {
    needs: Hosts & { cipherTrust: ManagerAt; partitionSerial: string };
    gives: { version: string; entry: { id: string; host: string; serial: string }; sealer?: string; rootKeys: string[]; warnings: string[] };
  };
  'web-certificate': {
    needs: { cipherTrust: ManagerAt };
    gives: { cipherTrust: ManagerAt; name: string; certificate?: CertificateSeen; warnings: string[] };
  };
  'close-doors': { needs: { windowsVm: VmSeen }; gives: { removedRules: string[]; deallocated: boolean } };
  report: { needs: { report: ReportDraft }; gives: { json: string; markdown: string } };
}

export type StepInput<Id extends ActivityId> = Job & StepTypes[Id]['needs'];
export type StepResult<Id extends ActivityId> = StepTypes[Id]['gives'];

/** The activities, by step id. */
export type Activities = { [Id in ActivityId]: (input: StepInput<Id>) => Promise<StepResult<Id>> };

/** Beside the steps: what exists in Azure for a job, one line a thing, for a job that ended before its time. */
export interface Inventory {
  inventory(input: Job): Promise<string[]>;
}
