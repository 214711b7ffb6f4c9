import { StepFailure } from '../../domain/failure.ts';
import type { StepContext } from '../../domain/results.ts';
import type { AzureClients } from '../../systems/azure/azure.ts';
import { isActive } from '../../systems/azure/deployment.ts';
import { converge, done } from '../converge.ts';
import type { Systems } from '../systems.ts';

/** What exists in the resource group, one line a resource, and what Azure is still deploying there: for a job that ended before its time. Changes nothing. */
export const inventory = ({ azure }: Systems) =>
  converge<StepContext, string[], string[], never>({
    async observe({ request }, { signal }) {
      const clients = await azure.clients(request.azure);
      const { resourceGroup } = request.azure;
      const { resourceGroups, resources } = clients.resources;
      const group = await azure.look(`reading the resource group ${resourceGroup}`, () => resourceGroups.get(resourceGroup, { abortSignal: signal }));
      if (!group) return [];
      const lines = await azure.ask(`listing what is in ${resourceGroup}`, async () => {
        const found = [`resource group ${resourceGroup}`];
        for await (const { type, name } of resources.listByResourceGroup(resourceGroup, { abortSignal: signal })) found.push(`${type} ${name}`);
        return found;
      });
      const running = await azure.ask(`listing the deployments in ${resourceGroup}`, () => activeDeployments(clients, resourceGroup, signal)).catch(noneToldOf);
      return [...lines, ...running];
    },
    decide: (lines) => done(lines),
    act: {},
  });

async function activeDeployments({ deployments }: AzureClients, resourceGroup: string, abortSignal: AbortSignal): Promise<string[]> {
  const found = [];
  for await (const { name, properties } of deployments.deployments.listByResourceGroup(resourceGroup, { abortSignal })) {
    const state = properties?.provisioningState ?? '';
    if (isActive(state)) found.push(`deployment ${name}: ${state}; it continues in Azure without the job`);
  }
  return found;
}

/** Who may not read them still learns what exists. */
function noneToldOf(error: unknown): string[] {
  if (error instanceof StepFailure && error.problem.kind === 'Refused') return [];
  throw error;
}
