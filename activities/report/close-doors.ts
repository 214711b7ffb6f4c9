import type { StepInput, StepResult } from '../../domain/results.ts';
import { act, converge, done, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';
import { namesOf, temporaryRule } from '../virtual-machine.ts';

type Input = StepInput<'close-doors'>;

export interface Seen {
  /** Security groups that still have our temporary rule. */
  open: string[];
  /** Of the Windows host. */
  power: string;
  /** Azure is changing that host: what its power is may not hold any more. */
  changing: boolean;
}

const groupsOf = ({ lunaClient, cipherTrust }: Input['request']): string[] => [lunaClient, cipherTrust].map(({ vmName }) => namesOf(vmName).group);

export const decideCloseDoors = ({ open, power, changing }: Seen, { request }: Pick<Input, 'request'>) => {
  if (request.closeDoors === false) return done<StepResult<'close-doors'>>({ removedRules: [], deallocated: false });
  if (open.length > 0) return act('remove-rule');
  if (power === 'running' && !changing) return act('deallocate');
  if (power !== 'deallocated') return wait(`${request.lunaClient.vmName}: ${power}`);
  return done<StepResult<'close-doors'>>({ removedRules: groupsOf(request).map((group) => `${group}/${temporaryRule}`), deallocated: true });
};

/**
 * Removes the rules that this job made for itself, for SSH and RDP on the Windows host and for SSH on CipherTrust Manager, and deallocates the Windows host.
 * CipherTrust Manager’s 443 stays as requested, and so does every rule of another name.
 */
export const closeDoors = ({ azure }: Systems) =>
  converge<Input, Seen, StepResult<'close-doors'>, 'remove-rule' | 'deallocate'>({
    async observe({ request }, { signal }) {
      const { network, compute } = await azure.clients(request.azure);
      const { resourceGroup } = request.azure;
      const { vmName } = request.lunaClient;
      const open = [];
      for (const name of groupsOf(request)) {
        const group = await azure.look(`reading the rules of ${name}`, () => network.networkSecurityGroups.get(resourceGroup, name, { abortSignal: signal }));
        if (group?.securityRules?.some((rule) => rule.name === temporaryRule)) open.push(name);
      }
      const view = await azure.ask(`reading the state of ${vmName}`, () =>
        compute.virtualMachines.instanceView(resourceGroup, vmName, { abortSignal: signal }),
      );
      const codes = view.statuses?.flatMap(({ code }) => code ?? []) ?? [];
      return {
        open,
        power: codes.find((code) => code.startsWith('PowerState/'))?.split('/')[1] ?? 'unknown',
        changing: codes.some((code) => /^ProvisioningState\/(updating|creating)/i.test(code)),
      };
    },
    decide: decideCloseDoors,
    act: {
      async 'remove-rule'({ request }, { open: [group = ''] }, { signal }) {
        const { network } = await azure.clients(request.azure);
        await azure.submit(`removing the temporary rule of ${group}`, () =>
          network.securityRules.delete(request.azure.resourceGroup, group, temporaryRule, { abortSignal: signal }),
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
