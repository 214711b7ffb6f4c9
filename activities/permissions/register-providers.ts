import type { ProvisioningRequest } from '../../domain/request.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import type { Azure } from '../../systems/azure/azure.ts';
import { act, converge, done, lasting, wait } from '../converge.ts';
import { type Systems, staleReadDelays } from '../systems.ts';

type Input = StepInput<'register-providers'>;
type Seen = Record<string, string>;

const namespaces = ['Microsoft.HardwareSecurityModules', 'Microsoft.Network', 'Microsoft.Compute', 'Microsoft.MarketplaceOrdering'];

export const decideRegisterProviders = (states: Seen) => {
  const inState = (...wanted: string[]) => Object.keys(states).filter((name) => wanted.includes(states[name]!));
  const registering = inState('Registering');
  const missing = Object.keys(states).filter((name) => !['Registered', 'Registering'].includes(states[name]!));
  if (missing.length > 0) return act('register');
  if (registering.length > 0) return wait(`${registering.join(', ')}: Registering`);
  return done<StepResult<'register-providers'>>({ registered: inState('Registered') });
};

/** The state of each provider, in Azure’s words. */
export async function observeProviders(azure: Azure, request: ProvisioningRequest, signal: AbortSignal): Promise<Seen> {
  const { resources } = await azure.clients(request.azure);
  const states = await Promise.all(
    namespaces.map(async (name) => [
      name,
      (await azure.ask(`reading the provider ${name}`, () => resources.providers.get(name, { abortSignal: signal }))).registrationState ?? 'NotRegistered',
    ]),
  );
  return Object.fromEntries(states) as Seen;
}

/** Registers the resource providers that the job uses; an approved feature counts only after its provider was registered. */
export const registerProviders = ({ azure, settings }: Systems) =>
  converge<Input, Seen, StepResult<'register-providers'>, 'register'>({
    lasting: lasting(settings, 'arm-change'),
    observe: ({ request }, { signal }) => observeProviders(azure, request, signal),
    decide: decideRegisterProviders,
    staleReadDelaysMs: staleReadDelays({ settings }),
    act: {
      async register({ request }, states, { signal }) {
        const { resources } = await azure.clients(request.azure);
        for (const name of namespaces)
          if (!['Registered', 'Registering'].includes(states[name]!))
            await azure.ask(`registering ${name}`, () => resources.providers.register(name, { abortSignal: signal }));
      },
    },
  });
