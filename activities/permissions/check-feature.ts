import type { ProvisioningRequest } from '../../domain/request.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import type { Azure } from '../../systems/azure/azure.ts';
import { type Attempt, act, converge, done, lasting, refuse, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'check-feature'>;

const [namespace, feature] = ['Microsoft.HardwareSecurityModules', 'AzureDedicatedHSM'];
/** A person at Microsoft decides: there is no hurry. */
const pendingPollMs = 10 * 60_000;

/** The mail that the runbook describes, ready to be sent. */
const accessRequest = ({ azure, hsm }: Input['request']): string =>
  `Microsoft no longer onboards new customers. Write to HSMrequest@Microsoft.com: “Subscription ${azure.subscriptionId} requests access to Azure Dedicated HSM. Application: root of trust of a CipherTrust Manager. Region: ${azure.region}. Number: 1 (${hsm.name}).” Then retry.`;

export interface Seen {
  state: string;
  /** The provider was told in this attempt: an approved feature counts only after its provider was registered again, and nothing shows whether it was. */
  told: boolean;
}

export const decideCheckFeature = ({ state, told }: Seen, { request }: Pick<Input, 'request'>) => {
  if (state === 'Registered') return told ? done<StepResult<'check-feature'>>({ state }) : act('register-provider');
  if (state === 'Pending' || state === 'Registering') return wait(`Access to Dedicated HSM: ${state}. Waiting for Microsoft’s decision.`, pendingPollMs);
  return refuse({
    code: 'AZURE_FEATURE_NOT_GRANTED',
    tried: `checking the feature ${feature}`,
    summary: `it is ${state}`,
    remedy: accessRequest(request),
  });
};

/** The feature’s state, in Azure’s words. Where the provider hides what was never asked for, the feature is not even known. */
export async function observeFeature(azure: Azure, request: ProvisioningRequest, signal: AbortSignal): Promise<string> {
  const { features } = await azure.clients(request.azure);
  const seen = await azure.look(`reading the feature ${feature}`, () => features.features.get(namespace!, feature!, { abortSignal: signal }));
  return seen ? (seen.properties?.state ?? 'NotSpecified') : 'unknown to this subscription';
}

/** `az feature show --namespace Microsoft.HardwareSecurityModules --name AzureDedicatedHSM`; once it is Registered, `az provider register`. */
export const checkFeature = ({ azure, settings }: Systems) => {
  const toldBy = new WeakSet<Attempt>();
  return converge<Input, Seen, StepResult<'check-feature'>, 'register-provider'>({
    lasting: lasting(settings, 'arm-change'),
    observe: async ({ request }, attempt) => ({ state: await observeFeature(azure, request, attempt.signal), told: toldBy.has(attempt) }),
    decide: (seen, job) => {
      const decision = decideCheckFeature(seen, job);
      return decision.kind === 'wait' ? wait(decision.why, Math.min(pendingPollMs, settings.pollIntervalMs * 60)) : decision;
    },
    act: {
      async 'register-provider'({ request }, _, attempt) {
        const { resources } = await azure.clients(request.azure);
        await azure.ask(`registering ${namespace}`, () => resources.providers.register(namespace!, { abortSignal: attempt.signal }));
        toldBy.add(attempt);
      },
    },
  });
};
