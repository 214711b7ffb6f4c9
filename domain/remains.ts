import { temporaryRule } from './hosts.ts';
import type { ReportDraft } from './report.ts';
import { initialMayHold } from './report-manager.ts';
import type { ProvisioningRequest } from './request.ts';
import { lastWith } from './step-results.ts';
import { step, stepIds } from './steps.ts';

/** What goes on by itself or stays open after a job that ended before its time, and how to stop or close it. Nothing where all is finished and closed. */
export const remainsOf = (draft: ReportDraft): string[] => [...continuing(draft), ...initialPassword(draft), ...openDoors(draft)];

/**
 * That nobody waits for it any more does not stop it. What failed at the end may go on, too: a deadline of ours is none of Azure’s. But what stands in the way
 * may be somebody else’s: hence the tag.
 */
function continuing({ target, request, progress: { steps } }: ReportDraft): string[] {
  return stepIds.flatMap((id) => {
    const { continuesAlone } = step(id);
    if (!continuesAlone || !['cancelled', 'failed'].includes(steps[id].state)) return [];
    const [what, stop] = [continuesAlone.what, continuesAlone.stop].map((text) => named(text, request));
    return [
      `${what} was not stopped: it may go on in Azure, and what it creates is billed. To stop it, check first that what is there carries the tag provisioner=${target}, then: ${stop}.`,
    ];
  });
}

const named = (text: string, { azure, hsm, lunaClient, cipherTrust }: ProvisioningRequest): string =>
  text
    .replaceAll('{resourceGroup}', azure.resourceGroup)
    .replaceAll('{hsm}', hsm.name)
    .replaceAll('{windowsHost}', lunaClient.vmName)
    .replaceAll('{cipherTrust}', cipherTrust.vmName);

/** The one door that everybody knows the key of. */
function initialPassword(draft: ReportDraft): string[] {
  const { azure, cipherTrust } = draft.request;
  if (!initialMayHold(draft)) return [];
  return [
    `The initial password of CipherTrust Manager ${cipherTrust.vmName} (admin/admin, or the generated one) may be in force. Send the same request again with a new Idempotency-Key: it is replaced at once. Otherwise change it by hand, or stop the machine: az vm deallocate -g ${azure.resourceGroup} -n ${cipherTrust.vmName}.`,
  ];
}

/** They are closed at the very end alone: a job that ended before may be followed by another one, which needs them. */
function openDoors({ request, progress: { steps }, results }: ReportDraft): string[] {
  const mayBeOpen = stepIds.some((id) => step(id).opensDoors && steps[id].state !== 'pending');
  if (!mayBeOpen || lastWith(results, 'removedRules')) return [];
  const { azure, lunaClient, cipherTrust } = request;
  const inGroup = `-g ${azure.resourceGroup}`;
  return [
    `Doors are open: the temporary rule ${temporaryRule} (SSH, RDP) on ${lunaClient.vmName} and ${cipherTrust.vmName} may still be there, and ${lunaClient.vmName} may be running. The same request, sent again with a new Idempotency-Key, closes them at its end; otherwise close them by hand: ${[
      ...[lunaClient, cipherTrust].map(({ vmName }) => `az network nsg rule delete ${inGroup} --nsg-name ${vmName}-nsg -n ${temporaryRule}`),
      `az vm deallocate ${inGroup} -n ${lunaClient.vmName}`,
    ].join('; ')}.`,
  ];
}
