import type { StepInput, StepResult } from '../../domain/results.ts';
import { activateLicense, type LicenseSeen, licensed, readLicense, secretsOfLicense } from '../../systems/ciphertrust/essentials.ts';
import { act, converge, done, lasting } from '../converge.ts';
import { enterManagerSecrets, signedIn } from '../manager.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'license'>;

export const decideLicense = (seen: LicenseSeen, { request: { cipherTrust } }: Pick<Input, 'request'>) => {
  if (!licensed(seen, cipherTrust)) return act('activate');
  const kind = typeof cipherTrust.license === 'object' ? 'license' : cipherTrust.license;
  return done<StepResult<'license'>>({ kind, state: kind === 'trial' ? (seen.trial?.status ?? 'licensed') : kind === 'none' ? 'none' : 'active' });
};

/** The 90 day trial, or the license that is in the secret store. An HSM as root of trust needs one. */
export const license = (systems: Systems) =>
  converge<Input, LicenseSeen, StepResult<'license'>, 'activate'>({
    lasting: lasting(systems.settings, 'manager-secret'),
    observe: async (input, attempt) => readLicense(await signedIn({ systems, input, attempt }, input.cipherTrust)),
    decide: decideLicense,
    act: {
      async activate(input, seen, attempt) {
        const visitor = { systems, input, attempt };
        const { cipherTrust } = input.request;
        await enterManagerSecrets(visitor, ...secretsOfLicense(cipherTrust));
        await activateLicense(await signedIn(visitor, input.cipherTrust), systems.secrets, seen, cipherTrust);
      },
    },
  });
