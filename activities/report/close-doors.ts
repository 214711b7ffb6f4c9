import type { StepInput, StepResult } from '../../domain/results.ts';
import { act, converge, done, wait } from '../converge.ts';
import { temporaryRule } from '../luna-client/windows-vm.ts';
import type { Systems } from '../systems.ts';
import { namesOf } from '../virtual-machine.ts';

type Input = StepInput<'close-doors'>;

export interface Seen {
  ruleThere: boolean;
  power: string;
}

export const decideCloseDoors = ({ ruleThere, power }: Seen, { request }: Pick<Input, 'request'>) => {
  if (request.closeDoors === false) return done<StepResult<'close-doors'>>({ removedRules: [], deallocated: false });
  if (ruleThere) return act('remove-rule');
  if (power === 'running') return act('deallocate');
  if (power !== 'deallocated') return wait(`${request.lunaClient.vmName}: ${power}`);
  return done<StepResult<'close-doors'>>({ removedRules: [`${namesOf(request.lunaClient.vmName).group}/${temporaryRule}`], deallocated: true });
};

/** Removes the rules for SSH and RDP that this job made, and deallocates the Windows host. CipherTrust Manager’s 443 stays as requested. */
export const closeDoors = ({ azure }: Systems) =>
  converge<Input, Seen, StepResult<'close-doors'>, 'remove-rule' | 'deallocate'>({
    async observe({ request }, { signal }) {
      const { network, compute } = await azure.clients(request.azure);
      const { resourceGroup } = request.azure;
      const { vmName } = request.lunaClient;
      const group = await azure.look(`reading the rules of ${vmName}`, () =>
        network.networkSecurityGroups.get(resourceGroup, namesOf(vmName).group, { abortSignal: signal }),
      );
      const view = await azure.ask(`reading the state of ${vmName}`, () =>
        compute.virtualMachines.instanceView(resourceGroup, vmName, { abortSignal: signal }),
      );
      return {
        ruleThere: group?.securityRules?.some(({ name }) => name === temporaryRule) ?? false,
        power: view.statuses?.find(({ code }) => code?.startsWith('PowerState/'))?.code?.split('/')[1] ?? 'unknown',
      };
    },
    decide: decideCloseDoors,
    act: {
      async 'remove-rule'({ request }, _, { signal }) {
        const { network } = await azure.clients(request.azure);
        await azure.submit('removing the temporary rule', () =>
          network.securityRules.delete(request.azure.resourceGroup, namesOf(request.lunaClient.vmName).group, temporaryRule, { abortSignal: signal }),
        );
      },
      async deallocate({ request }, _, { signal }) {
        const { compute } = await azure.clients(request.azure);
        await azure.submit('deallocating the Windows host', () =>
          compute.virtualMachines.deallocate(request.azure.resourceGroup, request.lunaClient.vmName, { abortSignal: signal }),
        );
      },
    },
  });
