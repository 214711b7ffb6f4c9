import type { ProvisioningRequest } from '../../domain/request.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import type { Azure } from '../../systems/azure/azure.ts';
import { tagsOf } from '../../systems/azure/tags.ts';
import { act, converge, done, halt, lasting, refuse } from '../converge.ts';
import { type Systems, staleReadDelays } from '../systems.ts';

type Input = StepInput<'resource-group'>;
type Seen = { id: string; location: string; state: string } | undefined;

export const decideResourceGroup = (group: Seen, { request: { azure } }: Pick<Input, 'request'>) => {
  if (!group) return act('create');
  if (group.state === 'Deleting')
    return halt({
      code: 'AZURE_BEING_DELETED',
      tried: `using the resource group ${azure.resourceGroup}`,
      summary: 'it is being deleted',
      remedy:
        'Find out who is deleting it and why: an HSM in it would remain and be billed. Then abort, or retry once the group is gone: retrying re-creates it.',
    });
  if (group.location.toLowerCase() !== azure.region.toLowerCase())
    return refuse({
      code: 'AZURE_RESOURCE_MISMATCH',
      tried: `using the resource group ${azure.resourceGroup}`,
      summary: `it is in ${group.location}, not in ${azure.region}`,
      remedy: 'Abort, and send the request again with another group, or with the region of this one.',
    });
  return done<StepResult<'resource-group'>>({ id: group.id });
};

export async function observeResourceGroup(azure: Azure, request: ProvisioningRequest, signal: AbortSignal): Promise<Seen> {
  const { resources } = await azure.clients(request.azure);
  const { resourceGroup: name } = request.azure;
  const found = await azure.look(`reading the resource group ${name}`, () => resources.resourceGroups.get(name, { abortSignal: signal }));
  return found && { id: found.id!, location: found.location, state: found.properties?.provisioningState ?? '' };
}

/** The group that holds everything; kept as it is where it exists. */
export const resourceGroup = ({ azure, settings }: Systems) =>
  converge<Input, Seen, StepResult<'resource-group'>, 'create'>({
    lasting: lasting(settings, 'arm-change'),
    observe: ({ request }, { signal }) => observeResourceGroup(azure, request, signal),
    decide: decideResourceGroup,
    staleReadDelaysMs: staleReadDelays({ settings }),
    act: {
      async create(input, _, { signal }) {
        const { region: location, resourceGroup: name } = input.request.azure;
        const { resources } = await azure.clients(input.request.azure);
        await azure.ask(`creating the resource group ${name}`, () =>
          resources.resourceGroups.createOrUpdate(name, { location, tags: tagsOf(input) }, { abortSignal: signal }),
        );
      },
    },
  });
