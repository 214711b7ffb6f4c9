import type { StepInput, StepResult } from '../../domain/results.ts';
import { signedIn } from '../../systems/ciphertrust/ciphertrust.ts';
import { activateLicence, addNtp, type LicenceSeen, licensed, missingNtp, type NtpSeen, readLicence, readNtp } from '../../systems/ciphertrust/essentials.ts';
import { kept } from '../../systems/secrets/kept.ts';
import { replacePassword } from '../ciphertrust/admin-password.ts';
import { act, converge, done } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'reset-password'>;

export type Seen = { signedIn: false } | { signedIn: true; ntp: NtpSeen; licence: LicenceSeen };

export const decideResetPassword = (seen: Seen, { cipherTrust, request }: Pick<Input, 'cipherTrust' | 'request'>) => {
  if (!seen.signedIn) return act('replace-password');
  if (missingNtp(seen.ntp, request.cipherTrust).length > 0) return act('add-ntp');
  if (!licensed(seen.licence, request.cipherTrust)) return act('activate-licence');
  return done<StepResult<'reset-password'>>({ cipherTrust, warnings: [] });
};

/** After the wipe the default password works again: it is replaced at once; then time servers and licence, where they are gone. */
export const resetPassword = ({ cipherTrust, secrets }: Systems) =>
  converge<Input, Seen, StepResult<'reset-password'>, 'replace-password' | 'add-ntp' | 'activate-licence'>({
    async observe({ target, cipherTrust: pinned }, { signal }) {
      const manager = await cipherTrust.connect(pinned, signal);
      if (!(await manager.signIn(await kept(secrets, target, 'ciphertrust-admin-password')))) return { signedIn: false };
      return { signedIn: true, ntp: await readNtp(manager), licence: await readLicence(manager) };
    },
    decide: decideResetPassword,
    act: {
      'replace-password': async ({ target, cipherTrust: pinned }, _, { signal }) =>
        replacePassword(await cipherTrust.connect(pinned, signal), await kept(secrets, target, 'ciphertrust-admin-password')),
      'add-ntp': async (input, seen, { signal }) => {
        if (seen.signedIn)
          await addNtp(await signedIn(cipherTrust, secrets, input, input.cipherTrust, signal), secrets, missingNtp(seen.ntp, input.request.cipherTrust));
      },
      'activate-licence': async (input, seen, { signal }) => {
        if (seen.signedIn)
          await activateLicence(await signedIn(cipherTrust, secrets, input, input.cipherTrust, signal), secrets, seen.licence, input.request.cipherTrust);
      },
    },
    sight: (seen) => (seen.signedIn ? [seen.ntp.listed, seen.licence] : seen),
  });
