import type { Job } from '../../domain/results.ts';
import { converge, done } from '../converge.ts';
import type { Systems } from '../systems.ts';

/** What exists in the resource group, one line a resource: for a job that ended before its time. */
export const inventory = ({ azure }: Systems) =>
  converge<Job, string[], string[], never>({
    async observe({ request }, { signal }) {
      const { resources } = await azure.clients(request.azure);
      const { resourceGroup } = request.azure;
      const group = await azure.look(`reading the resource group ${resourceGroup}`, () => resources.resourceGroups.get(resourceGroup, { abortSignal: signal }));
      if (!group) return [];
      return azure.ask(`listing what is in ${resourceGroup}`, async () => {
        const lines = [`resource group ${resourceGroup}`];
        for await (const { type, name } of resources.resources.listByResourceGroup(resourceGroup, { abortSignal: signal })) lines.push(`${type} ${name}`);
        return lines;
      });
    },
    decide: (lines) => done(lines),
    act: {},
  });
