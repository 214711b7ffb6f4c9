import type { Static } from 'typebox';
import type { AmendedField } from './amendments.ts';
import type { ApprovalView, DecisionView, IncidentView, StepView } from './progress.ts';
import { remainsOf } from './remains.ts';
import { azureOf, type ReportedAzure } from './report-azure.ts';
import { managerOf, type ReportedManager } from './report-manager.ts';
import type { ProvisioningRequest } from './request.ts';
import type { CertificateInfo, HsmState } from './results.ts';
import type * as schemas from './schemas/report-draft.ts';
import { allWith, lastWith } from './step-results.ts';
import type { StepId } from './steps.ts';
import { catalog, phases, stepIds } from './steps.ts';

export type Outcome = Static<typeof schemas.outcome>;
export type StepResults = Static<typeof schemas.stepResults>;

/** What the workflow knows at the end; the report step adds the transcripts. */
export type ReportDraft = Static<typeof schemas.reportDraft>;

export interface ReportedStep extends StepView {
  id: StepId;
  title: string;
  phase: string;
}

export interface ReportedCertificate extends Omit<CertificateInfo, 'pem'> {
  of: string;
}

export interface ReportedAmendment {
  by: string;
  at: string;
  decisionId: string;
  /** The incident that was retried with it. */
  about: string;
  comment?: string;
  changes: AmendedField[];
}

/** The evidence. Names secrets, never holds one. */
export interface Report {
  target: string;
  runId: string;
  outcome: Outcome;
  startedAt: string;
  finishedAt: string;
  requestedBy: string;
  approvedBy?: string;
  steps: ReportedStep[];
  azure: ReportedAzure;
  hsm?: Omit<HsmState, 'partitions'> & { address?: string };
  partition?: { name: string; serial: string; sizeBytes: number };
  fingerprints: Record<string, string>;
  certificates: ReportedCertificate[];
  cipherTrust?: { version: string; entry: { id: string; host: string; serial: string }; sealer?: string; rootKeys: string[] };
  manager: ReportedManager;
  secrets: string[];
  approvals: ApprovalView[];
  decisions: DecisionView[];
  incidents: IncidentView[];
  /** What people changed in the request while the job went on. */
  amendments: ReportedAmendment[];
  warnings: string[];
  inventory?: string[];
  whatNext: string[];
  transcripts: { step: string; sha256: string; text: string }[];
}

/** Puts the report together. */
export function reportOf(draft: ReportDraft, transcripts: Report['transcripts']): Report {
  const { target, runId, outcome, finishedAt, request, progress, results } = draft;
  const { job, approvals, decisions, incidents } = progress;
  const hsm = lastWith(results, 'hsm')?.hsm;
  const approvedBy = approvals.find(({ hsm: zeroized, outcome: decided }) => zeroized && decided === 'approved')?.decision?.actor;
  const verified = lastWith(results, 'hsmAddress');
  const proof = lastWith(results, 'rootKeys');
  const secrets = [...allWith(results, 'names').flatMap(({ names }) => names), ...allWith(results, 'keySecret').map(({ keySecret }) => keySecret)];
  const partition = lastWith(results, 'partition')?.partition;
  return {
    target,
    runId,
    outcome,
    finishedAt,
    startedAt: job.startedAt,
    requestedBy: job.requestedBy,
    ...(approvedBy ? { approvedBy } : {}),
    steps: stepIds.map((id) => ({ id, title: catalog[id].title, phase: phases[catalog[id].phase], ...progress.steps[id] })),
    azure: azureOf(draft),
    ...(hsm ? { hsm: { ...withoutPartitions(hsm), ...(verified ? { address: verified.hsmAddress } : {}) } } : {}),
    ...(partition ? { partition } : {}),
    fingerprints: fingerprints(results),
    certificates: certificates(results),
    ...(proof
      ? { cipherTrust: { version: proof.version, entry: proof.entry, ...(proof.sealer ? { sealer: proof.sealer } : {}), rootKeys: proof.rootKeys } }
      : {}),
    manager: managerOf(draft),
    secrets: [...new Set(secrets)],
    approvals,
    decisions,
    incidents,
    amendments: amendmentsIn(decisions),
    warnings: job.warnings,
    ...(job.inventory ? { inventory: job.inventory } : {}),
    whatNext: [...whatNext(outcome, request), ...remainsOf(draft)],
    transcripts,
  };
}

/** In order. */
export const amendmentsIn = (decisions: readonly DecisionView[]): ReportedAmendment[] =>
  decisions.flatMap(({ actor: by, at, decisionId, about, comment, changes, verdict }) =>
    changes && verdict === 'accepted' ? [{ by, at, decisionId, about, ...(comment ? { comment } : {}), changes }] : [],
  );

const withoutPartitions = ({ partitions: _, ...hsm }: HsmState): Omit<HsmState, 'partitions'> => hsm;

function fingerprints(results: StepResults): Record<string, string> {
  const found: [name: string, value: string | undefined][] = [
    ['Windows host key', lastWith(results, 'windows')?.windows.pin],
    ['HSM host key', lastWith(results, 'appliance')?.appliance.pin],
    ['HSM server certificate', lastWith(results, 'serverCertificate')?.serverCertificate.fingerprint],
    ['CipherTrust Manager client certificate', lastWith(results, 'clientCertificate')?.clientCertificate.fingerprint],
    ['CipherTrust Manager web certificate', lastWith(results, 'cipherTrust')?.cipherTrust.pin],
  ];
  return Object.fromEntries(found.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function certificates(results: StepResults): ReportedCertificate[] {
  const found: [of: string, certificate: CertificateInfo | undefined][] = [
    ['HSM server', lastWith(results, 'serverCertificate')?.serverCertificate],
    ['CipherTrust Manager’s web interface', lastWith(results, 'webCertificate')?.webCertificate],
    ['CipherTrust Manager as client of the HSM', lastWith(results, 'clientCertificate')?.clientCertificate],
  ];
  return found.flatMap(([of, certificate]) => (certificate ? [{ of, fingerprint: certificate.fingerprint, notAfter: certificate.notAfter }] : []));
}

function whatNext(outcome: Outcome, { hsm, cipherTrust }: ProvisioningRequest): string[] {
  if (outcome !== 'completed')
    return [
      'Read the incidents and decisions above; send the same request again, with a new Idempotency-Key, to go on from what exists.',
      'Nothing was removed: what exists goes on being billed.',
    ];
  return [
    'Copy the secrets named here into a second safe place: without them the HSM and its keys are lost.',
    `Sign in to CipherTrust Manager ${cipherTrust.vmName} as admin and create personal accounts.`,
    'Back up CipherTrust Manager, and back up its backup key: a backup from before the root of trust was set needs the old key.',
    ...(cipherTrust.license === 'trial' ? ['Install a term or perpetual license before the trial ends.'] : []),
    `Never remove the gateway or the resource group of ${hsm.name}; apply KB0019789 before any reboot of the appliance.`,
  ];
}
