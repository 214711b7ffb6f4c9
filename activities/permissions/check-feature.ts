import type { StepInput, StepResult } from '../../domain/results.ts';
import { converge, done, refuse, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'check-feature'>;

const [namespace, feature] = ['Microsoft.HardwareSecurityModules', 'AzureDedicatedHSM'];
/** A person at Microsoft decides: there is no hurry. */
const pendingPollMs = 10 * 60_000;

/** The mail that the runbook describes, ready to be sent. */
const accessRequest = ({ azure, hsm }: Input['request']): string =>
  `Write to HSMrequest@Microsoft.com: “Subscription ${azure.subscriptionId} asks for access to Azure Dedicated HSM. Application: root of trust of a CipherTrust Manager. Region: ${azure.region}. Number: 1 (${hsm.name}).” New customers are no longer onboarded. Then retry.`;

export const decideCheckFeature = (state: string, { request }: Pick<Input, 'request'>) => {
  if (state === 'Registered') return done<StepResult<'check-feature'>>({ state });
  if (state === 'Pending' || state === 'Registering') return wait(`The access to Dedicated HSM is ${state}: Microsoft decides.`, pendingPollMs);
  return refuse({ tried: `checking the feature ${feature}`, seen: `it is ${state}`, source: 'Azure Resource Manager', remedy: accessRequest(request) });
};

/** `az feature show --namespace Microsoft.HardwareSecurityModules --name AzureDedicatedHSM`. */
export const checkFeature = ({ azure, settings }: Systems) =>
  converge<Input, string, StepResult<'check-feature'>, never>({
    async observe({ request }, { signal }) {
      const { features } = await azure.clients(request.azure);
      const seen = await azure.ask(`reading the feature ${feature}`, () => features.features.get(namespace!, feature!, { abortSignal: signal }));
      return seen.properties?.state ?? 'NotSpecified';
    },
    decide: (state, input) => {
      const decision = decideCheckFeature(state, input);
      return decision.kind === 'wait' ? wait(decision.why, Math.min(pendingPollMs, settings.pollIntervalMs * 60)) : decision;
    },
    act: {},
  });
