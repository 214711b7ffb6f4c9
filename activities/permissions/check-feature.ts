import type { StepInput, StepResult } from '../../domain/results.ts';
import { act, converge, done, refuse, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'check-feature'>;

const [namespace, feature] = ['Microsoft.HardwareSecurityModules', 'AzureDedicatedHSM'];
/** A person at Microsoft decides: there is no hurry. */
const pendingPollMs = 10 * 60_000;

/** The mail that the runbook describes, ready to be sent. */
const accessRequest = ({ azure, hsm }: Input['request']): string =>
  `Write to HSMrequest@Microsoft.com: “Subscription ${azure.subscriptionId} asks for access to Azure Dedicated HSM. Application: root of trust of a CipherTrust Manager. Region: ${azure.region}. Number: 1 (${hsm.name}).” New customers are no longer onboarded. Then retry.`;

export interface Seen {
  state: string;
  /** The provider was told in this attempt: an approved feature counts only after its provider was registered again, and nothing shows whether it was. */
  told: boolean;
}

export const decideCheckFeature = ({ state, told }: Seen, { request }: Pick<Input, 'request'>) => {
  if (state === 'Registered') return told ? done<StepResult<'check-feature'>>({ state }) : act('register-provider');
  if (state === 'Pending' || state === 'Registering') return wait(`The access to Dedicated HSM is ${state}: Microsoft decides.`, pendingPollMs);
  return refuse({ tried: `checking the feature ${feature}`, seen: `it is ${state}`, source: 'Azure Resource Manager', remedy: accessRequest(request) });
};

/** `az feature show --namespace Microsoft.HardwareSecurityModules --name AzureDedicatedHSM`; once it is Registered, `az provider register`. */
export const checkFeature =
  ({ azure, settings }: Systems) =>
  (input: Input): Promise<StepResult<'check-feature'>> => {
    let told = false;
    return converge<Input, Seen, StepResult<'check-feature'>, 'register-provider'>({
      async observe({ request }, { signal }) {
        const { features } = await azure.clients(request.azure);
        // Where the provider hides what was never asked for, the feature is not even known.
        const seen = await azure.look(`reading the feature ${feature}`, () => features.features.get(namespace!, feature!, { abortSignal: signal }));
        return { state: seen ? (seen.properties?.state ?? 'NotSpecified') : 'unknown to this subscription', told };
      },
      decide: (seen, job) => {
        const decision = decideCheckFeature(seen, job);
        return decision.kind === 'wait' ? wait(decision.why, Math.min(pendingPollMs, settings.pollIntervalMs * 60)) : decision;
      },
      act: {
        async 'register-provider'({ request }, _, { signal }) {
          const { resources } = await azure.clients(request.azure);
          await azure.ask(`registering ${namespace}`, () => resources.providers.register(namespace!, { abortSignal: signal }));
          told = true;
        },
      },
    })(input);
  };
