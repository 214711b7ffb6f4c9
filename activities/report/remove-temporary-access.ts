import { temporaryRule } from '../../domain/hosts.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { notOwn } from '../../systems/azure/tags.ts';
import { act, converge, done, lasting, refuse, wait } from '../converge.ts';
import { type Systems, staleReadDelays } from '../systems.ts';
import { namesOf } from '../virtual-machine.ts';

type Input = StepInput<'remove-temporary-access'>;

type Tags = Record<string, string> | undefined;

export interface Seen {
  /** Security groups that still have our temporary rule. */
  open: { name: string; tags: Tags }[];
  /** The Windows host; absent where somebody deleted it. */
  host?: {
    power: string;
    /** Azure is changing it: what its power is may not hold any more. */
    changing: boolean;
    tags: Tags;
  };
}

const groupsOf = ({ lunaClient, cipherTrust }: Input['request']): string[] => [lunaClient, cipherTrust].map(({ vmName }) => namesOf(vmName).group);

/** Somebody took our mark away, or put something else in its place: it is not ours to change any more. */
function leave(name: string, tags: Tags, { target }: Pick<Input, 'target'>, byHand: string) {
  const foreign = notOwn(tags, target);
  return (
    foreign &&
    refuse({
      code: 'AZURE_RESOURCE_FOREIGN',
      tried: `removing the temporary access to ${name}`,
      summary: foreign.summary,
      remedy: `${byHand} yourself, then retry.`,
    })
  );
}

export const decideRemoveTemporaryAccess = ({ open: [group, ...others], host }: Seen, { request, target }: Pick<Input, 'request' | 'target'>) => {
  if (request.removeTemporaryAccess === false) return done<StepResult<'remove-temporary-access'>>({ removedRules: [], deallocated: false });
  const { vmName } = request.lunaClient;
  for (const { name, tags } of group ? [group, ...others] : []) {
    const foreign = leave(name, tags, { target }, `Remove its rule ${temporaryRule}`);
    if (foreign) return foreign;
  }
  if (group) return act('remove-rule');
  const removedRules = groupsOf(request).map((name) => `${name}/${temporaryRule}`);
  if (!host) return done<StepResult<'remove-temporary-access'>>({ removedRules, deallocated: false });
  if (host.power === 'deallocated') return done<StepResult<'remove-temporary-access'>>({ removedRules, deallocated: true });
  // One that was shut down from inside is stopped, and paid for as if it ran.
  if (!['running', 'stopped'].includes(host.power) || host.changing) return wait(`${vmName}: ${host.power}`);
  return leave(vmName, host.tags, { target }, 'Deallocate it') ?? act('deallocate');
};

/**
 * Removes the rules that this job made for itself, for SSH and RDP on the Windows host and for SSH on CipherTrust Manager, and deallocates the Windows host.
 * CipherTrust Manager’s 443 stays as requested, and so does every rule of another name, and whatever does not carry this job’s mark.
 */
export const removeTemporaryAccess = ({ azure, settings }: Systems) =>
  converge<Input, Seen, StepResult<'remove-temporary-access'>, 'remove-rule' | 'deallocate'>({
    lasting: lasting(settings, 'arm-change'),
    async observe({ request }, { signal }) {
      const { network, compute } = await azure.clients(request.azure);
      const { resourceGroup } = request.azure;
      const { vmName } = request.lunaClient;
      const open = [];
      for (const name of groupsOf(request)) {
        const group = await azure.look(`reading the rules of ${name}`, () => network.networkSecurityGroups.get(resourceGroup, name, { abortSignal: signal }));
        if (group?.securityRules?.some((rule) => rule.name === temporaryRule)) open.push({ name, tags: group.tags });
      }
      const machine = await azure.look(`reading ${vmName}`, () =>
        compute.virtualMachines.get(resourceGroup, vmName, { abortSignal: signal, expand: 'instanceView' }),
      );
      const codes = machine?.instanceView?.statuses?.flatMap(({ code }) => code ?? []) ?? [];
      return {
        open,
        ...(machine
          ? {
              host: {
                power: codes.find((code) => code.startsWith('PowerState/'))?.split('/')[1] ?? 'unknown',
                changing: codes.some((code) => /^ProvisioningState\/(updating|creating)/i.test(code)),
                tags: machine.tags,
              },
            }
          : {}),
      };
    },
    decide: decideRemoveTemporaryAccess,
    staleReadDelaysMs: staleReadDelays({ settings }),
    act: {
      async 'remove-rule'({ request }, { open: [group] }, { signal }) {
        const { network } = await azure.clients(request.azure);
        const { name } = group!;
        await azure.submit(`removing the temporary rule of ${name}`, () =>
          network.securityRules.delete(request.azure.resourceGroup, name, temporaryRule, { abortSignal: signal }),
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
