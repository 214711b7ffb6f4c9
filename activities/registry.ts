import type { EnterApproval, Inventory, StepInput, StepResult } from '../domain/results.ts';
import type { ActivityId } from '../domain/steps.ts';
import type { WhatIfActivity } from '../domain/what-if.ts';
import { enterApproval } from './approvals/enter-approval.ts';
import { acceptTerms } from './ciphertrust/accept-terms.ts';
import { adminPassword } from './ciphertrust/admin-password.ts';
import { ciphertrustVm } from './ciphertrust/ciphertrust-vm.ts';
import { firstBoot } from './ciphertrust/first-boot.ts';
import { license } from './ciphertrust/license.ts';
import { ntp } from './ciphertrust/ntp.ts';
import type { Step } from './converge.ts';
import { deployHsm } from './hsm/deploy-hsm.ts';
import { verifyHsm } from './hsm/verify-hsm.ts';
import { appliancePassword } from './hsm-setup/appliance-password.ts';
import { createPartition } from './hsm-setup/create-partition.ts';
import { fipsMode } from './hsm-setup/fips-mode.ts';
import { initializeHsm } from './hsm-setup/initialize-hsm.ts';
import { inspectHsm } from './hsm-setup/inspect-hsm.ts';
import { prepareNtls } from './hsm-setup/prepare-ntls.ts';
import { installLunaClient } from './luna-client/install-luna-client.ts';
import { windowsVm } from './luna-client/windows-vm.ts';
import { withMarks } from './marks.ts';
import { resourceGroup } from './network/resource-group.ts';
import { virtualNetwork } from './network/virtual-network.ts';
import { connectClient } from './partition/connect-client.ts';
import { cryptoOfficer } from './partition/crypto-officer.ts';
import { initializePartition } from './partition/initialize-partition.ts';
import { checkAvailability } from './permissions/check-availability.ts';
import { checkFeature } from './permissions/check-feature.ts';
import { keepSecrets } from './permissions/keep-secrets.ts';
import { registerProviders } from './permissions/register-providers.ts';
import { whatIf } from './plan/what-if.ts';
import { confirmRootOfTrust } from './report/confirm-root-of-trust.ts';
import { inventory } from './report/inventory.ts';
import { removeTemporaryAccess } from './report/remove-temporary-access.ts';
import { report } from './report/report.ts';
import { clientCertificate } from './root-of-trust/client-certificate.ts';
import { registerClient } from './root-of-trust/register-client.ts';
import { resetPassword } from './root-of-trust/reset-password.ts';
import { setRootOfTrust } from './root-of-trust/set-root-of-trust.ts';
import { verifyRootOfTrust } from './root-of-trust/verify-root-of-trust.ts';
import { webCertificate } from './root-of-trust/web-certificate.ts';
import type { Systems } from './systems.ts';

/** Each step can be carried out, and asked what it would do now. */
export type StepActivities = { [Id in ActivityId]: Step<StepInput<Id>, StepResult<Id>> } & Inventory & EnterApproval & WhatIfActivity;

/** Every activity by its step id: one file a step, `{phase}/{step-id}.ts`; `enter-approval`, once one counts; `inventory`, for a job that ends before its time; and `what-if`, for a plan. */
export const createActivities = (systems: Systems): StepActivities => withMarks(stepsOf(systems));

const stepsOf = (systems: Systems): StepActivities => ({
  'keep-secrets': keepSecrets(systems),
  'check-feature': checkFeature(systems),
  'register-providers': registerProviders(systems),
  'check-availability': checkAvailability(systems),
  'resource-group': resourceGroup(systems),
  'virtual-network': virtualNetwork(systems),
  'deploy-hsm': deployHsm(systems),
  'verify-hsm': verifyHsm(systems),
  'windows-vm': windowsVm(systems),
  'install-luna-client': installLunaClient(systems),
  'accept-terms': acceptTerms(systems),
  'ciphertrust-vm': ciphertrustVm(systems),
  'first-boot': firstBoot(systems),
  'admin-password': adminPassword(systems),
  ntp: ntp(systems),
  license: license(systems),
  'appliance-password': appliancePassword(systems),
  'inspect-hsm': inspectHsm(systems),
  'initialize-hsm': initializeHsm(systems),
  'fips-mode': fipsMode(systems),
  'create-partition': createPartition(systems),
  'prepare-ntls': prepareNtls(systems),
  'connect-client': connectClient(systems),
  'initialize-partition': initializePartition(systems),
  'crypto-officer': cryptoOfficer(systems),
  'client-certificate': clientCertificate(systems),
  'register-client': registerClient(systems),
  'set-root-of-trust': setRootOfTrust(systems),
  'reset-password': resetPassword(systems),
  'verify-root-of-trust': verifyRootOfTrust(systems),
  'web-certificate': webCertificate(systems),
  'confirm-root-of-trust': confirmRootOfTrust(systems),
  'remove-temporary-access': removeTemporaryAccess(systems),
  report: report(systems),
  'enter-approval': enterApproval(systems),
  inventory: inventory(systems),
  'what-if': whatIf(systems),
});
