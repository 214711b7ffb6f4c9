import type { Static } from 'typebox';
import type { ProvisioningRequest } from './request.ts';
import type * as findings from './schemas/findings.ts';
import type { stepOutputs } from './schemas/step-outputs.ts';
import type { approvalGranted, stepContext, stepInputs } from './schemas/steps.ts';
import type { ActivityId } from './steps.ts';

/** What steps are given and find out. Types alone, derived from the schemas that a worker checks them with: `domain/schemas/` says what each field means. */

/** What every step knows: which job it acts for and what the person decided. */
export interface StepContext extends Omit<Static<typeof stepContext>, 'request'> {
  request: ProvisioningRequest;
}

export type PinnedHost = Static<typeof findings.pinned>;
export type ManagerEndpoint = Static<typeof findings.managerAt>;
export type PresentedCertificate = Static<typeof findings.presentedCertificate>;
export type Exposure = Static<typeof findings.exposure>;
export type OtherTimeServer = Static<typeof findings.otherTimeServer>;
export type ManagerContents = Static<typeof findings.managerHolds>;
export type Endpoints = Static<typeof findings.hosts>;
export type PartitionSeen = Static<typeof findings.partitionSeen>;
export type HsmState = Static<typeof findings.hsmSeen>;
export type ImageVersion = Static<typeof findings.imageVersion>;
export type VmInfo = Static<typeof findings.vmSeen>;
export type CertificateInfo = Static<typeof findings.certificateSeen>;

/** Input (beside the job) and result of every activity: the whole data flow of the workflow. */
export type StepTypes = { [Id in ActivityId]: { needs: Static<(typeof stepInputs)[Id]>; gives: Static<(typeof stepOutputs)[Id]> } };

export type StepInput<Id extends ActivityId> = StepContext & StepTypes[Id]['needs'];
export type StepResult<Id extends ActivityId> = StepTypes[Id]['gives'];

/** The activities, by step id. */
export type Activities = { [Id in ActivityId]: (input: StepInput<Id>) => Promise<StepResult<Id>> };

/** An approval that counted, as it is entered in the target record. */
export type ApprovalGranted = Static<typeof approvalGranted>;

/** Beside the steps: enters an approval that counted in the target record. */
export interface EnterApproval {
  'enter-approval'(input: StepContext & ApprovalGranted): Promise<object>;
}

/** Beside the steps: what exists in Azure for a job, one line a thing, for a job that ended before its time. */
export interface Inventory {
  inventory(input: StepContext): Promise<string[]>;
}
