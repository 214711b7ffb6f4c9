import { quoting } from '../../domain/failure.ts';
import type { CodeOf } from '../../domain/failure-codes.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { another, type HsmNature, natureOf } from '../asked-hsm.ts';
import { converge, done, refuse, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'verify-hsm'>;

interface Seen extends HsmNature {
  id: string;
  state: string;
  message: string;
  location: string;
  tags: Record<string, string>;
  /** Of its interface, which is what counts; `ergwpip` is the gateway’s. */
  address: string | undefined;
}

/** Those that the runbook shows. Azure takes the names of tags in any case; a template of the user’s own sets its own. */
const missingTags = (tags: Record<string, string>): string[] =>
  ['Environment', 'resourceType']
    .filter((wanted) => !Object.keys(tags).some((name) => name.toLowerCase() === wanted.toLowerCase()))
    .map((tag) => `the tag ${tag} is missing`);

export const decideVerifyHsm = (seen: Seen | undefined, { request }: Pick<Input, 'request'>) => {
  const problem = (code: CodeOf<'Refused'>, summary: string, said = '') =>
    refuse({
      code,
      tried: `verifying the HSM ${request.hsm.name}`,
      summary,
      ...quoting('Azure Resource Manager', said),
      remedy: 'Check the HSM in the portal (show hidden types), then retry.',
    });
  if (!seen) return problem('AZURE_HSM_MISSING', 'there is no such HSM');
  const unlike = another(seen, request);
  if (unlike) return unlike;
  if (seen.state === 'Deleting') return problem('AZURE_BEING_DELETED', 'it is being deleted');
  if (seen.state === 'Failed') return problem('AZURE_RESOURCE_FAILED', 'it is Failed', seen.message);
  if (seen.state !== 'Succeeded') return wait(`${seen.state}. ${seen.message}`);
  const { hsm, azure } = request;
  const wrong = [
    ...(seen.location.toLowerCase() === azure.region.toLowerCase() ? [] : [`it is in ${seen.location}`]),
    ...(seen.address ? [] : [`the interface ${hsm.name}_HSMnic has no private address`]),
    ...(hsm.address && seen.address && seen.address !== hsm.address ? [`its address is ${seen.address}, not ${hsm.address}`] : []),
    ...(hsm.template ? [] : missingTags(seen.tags)),
  ];
  return wrong.length > 0
    ? problem('AZURE_RESOURCE_MISMATCH', wrong.join('; '))
    : done<StepResult<'verify-hsm'>>({ hsmId: seen.id, hsmAddress: seen.address!, tags: seen.tags });
};

/** `Get-AzResource` of the runbook, and the HSM’s address from its interface. */
export const verifyHsm = ({ azure }: Systems) =>
  converge<Input, Seen | undefined, StepResult<'verify-hsm'>, never>({
    async observe({ request }, { signal }) {
      const { hsms, network } = await azure.clients(request.azure);
      const { resourceGroup } = request.azure;
      const hsm = await azure.look(`reading the HSM ${request.hsm.name}`, () =>
        hsms.dedicatedHsmOperations.get(resourceGroup, request.hsm.name, { abortSignal: signal }),
      );
      const nic = await azure.look(`reading the interface ${request.hsm.name}_HSMnic`, () =>
        network.networkInterfaces.get(resourceGroup, `${request.hsm.name}_HSMnic`, { abortSignal: signal }),
      );
      return (
        hsm && {
          id: hsm.id!,
          state: hsm.provisioningState ?? '',
          message: hsm.statusMessage ?? '',
          location: hsm.location ?? '',
          tags: hsm.tags ?? {},
          ...natureOf(hsm),
          address: nic?.ipConfigurations?.[0]?.privateIPAddress,
        }
      );
    },
    decide: decideVerifyHsm,
    act: {},
  });
