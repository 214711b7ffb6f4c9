import type { StepInput, StepResult } from '../../domain/results.ts';
import { activateLicence, type LicenceSeen, licensed, readLicence, secretsOfLicence } from '../../systems/ciphertrust/essentials.ts';
import { act, converge, done, lasting } from '../converge.ts';
import { enterManagerSecrets, signedIn } from '../manager.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'licence'>;

export const decideLicence = (seen: LicenceSeen, { request: { cipherTrust } }: Pick<Input, 'request'>) => {
  if (!licensed(seen, cipherTrust)) return act('activate');
  const kind = typeof cipherTrust.licence === 'object' ? 'licence' : cipherTrust.licence;
  return done<StepResult<'licence'>>({ kind, state: kind === 'trial' ? (seen.trial?.status ?? 'licensed') : kind === 'none' ? 'none' : 'active' });
};

/** The 90 day trial, or the licence that is in the secret store. An HSM as root of trust needs one. */
export const licence = (systems: Systems) =>
  converge<Input, LicenceSeen, StepResult<'licence'>, 'activate'>({
    lasting: lasting(systems.settings, 'manager-secret'),
    observe: async (input, attempt) => readLicence(await signedIn({ systems, input, attempt }, input.cipherTrust)),
    decide: decideLicence,
    act: {
      async activate(input, seen, attempt) {
        const visitor = { systems, input, attempt };
        const { cipherTrust } = input.request;
        await enterManagerSecrets(visitor, ...secretsOfLicence(cipherTrust));
        await activateLicence(await signedIn(visitor, input.cipherTrust), systems.secrets, seen, cipherTrust);
      },
    },
  });
