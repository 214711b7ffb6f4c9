import type { StepInput, StepResult } from '../../domain/results.ts';
import { signedIn } from '../../systems/ciphertrust/ciphertrust.ts';
import { activateLicence, type LicenceSeen, licensed, readLicence } from '../../systems/ciphertrust/essentials.ts';
import { act, converge, done } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'licence'>;

export const decideLicence = (seen: LicenceSeen, { request: { cipherTrust } }: Pick<Input, 'request'>) => {
  if (!licensed(seen, cipherTrust)) return act('activate');
  const kind = typeof cipherTrust.licence === 'object' ? 'licence' : cipherTrust.licence;
  return done<StepResult<'licence'>>({ kind, state: kind === 'trial' ? (seen.trial?.status ?? 'licensed') : kind === 'none' ? 'none' : 'active' });
};

/** The 90 day trial, or the licence that is in the secret store. An HSM as root of trust needs one. */
export const licence = ({ cipherTrust, secrets }: Systems) =>
  converge<Input, LicenceSeen, StepResult<'licence'>, 'activate'>({
    observe: async (input, { signal }) => readLicence(await signedIn(cipherTrust, secrets, input, input.cipherTrust, signal)),
    decide: decideLicence,
    act: {
      activate: async (input, seen, { signal }) =>
        activateLicence(await signedIn(cipherTrust, secrets, input, input.cipherTrust, signal), secrets, seen, input.request.cipherTrust),
    },
  });
