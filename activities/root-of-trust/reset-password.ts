import type { StepInput, StepResult } from '../../domain/results.ts';
import { signedIn } from '../../systems/ciphertrust/ciphertrust.ts';
import { Entrance, type Knock } from '../../systems/ciphertrust/entrance.ts';
import { activateLicence, addNtp, type LicenceSeen, licensed, missingNtp, type NtpSeen, readLicence, readNtp } from '../../systems/ciphertrust/essentials.ts';
import { act, converge, done } from '../converge.ts';
import { decideEntrance, exposureOf } from '../entrance.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'reset-password'>;

export interface Seen {
  knock: Knock;
  /** What can be seen once inside. */
  inside?: { ntp: NtpSeen; licence: LicenceSeen };
  /** When it was looked, ISO 8601. */
  at: string;
}

export const decideResetPassword = ({ knock, inside, at }: Seen, input: Pick<Input, 'cipherTrust' | 'request' | 'openSince' | 'target'>) => {
  const { cipherTrust, request, openSince } = input;
  const outside = decideEntrance(knock, input);
  if (outside) return outside;
  if (inside && missingNtp(inside.ntp, request.cipherTrust).length > 0) return act('add-ntp');
  if (inside && !licensed(inside.licence, request.cipherTrust)) return act('activate-licence');
  // Where an attempt that is lost replaced it, now is the latest that it can have been.
  return done<StepResult<'reset-password'>>({ cipherTrust, warnings: [], ...exposureOf(openSince, knock.replacedAt ?? at) });
};

/** After the wipe the initial password works again: it is replaced at once; then time servers and licence, where they are gone. */
export const resetPassword = (systems: Systems) => {
  const { cipherTrust, secrets } = systems;
  const entrance = new Entrance(systems);
  const inside = (input: Input, signal: AbortSignal) => signedIn(cipherTrust, secrets, input, input.cipherTrust, signal);
  return converge<Input, Seen, StepResult<'reset-password'>, 'replace-password' | 'add-ntp' | 'activate-licence'>({
    async observe(input, attempt) {
      const { knock, manager } = await entrance.look(input, input.cipherTrust, attempt, input.openSince === undefined ? 'kept' : 'initial');
      const at = new Date().toISOString();
      return knock.signedIn
        ? { knock: { ...knock }, inside: { ntp: await readNtp(manager), licence: await readLicence(manager) }, at }
        : { knock: { ...knock }, at };
    },
    decide: decideResetPassword,
    act: {
      'replace-password': (input, _, attempt) => entrance.replace(input, input.cipherTrust, attempt),
      'add-ntp': async (input, seen, { signal }) => addNtp(await inside(input, signal), secrets, missingNtp(seen.inside!.ntp, input.request.cipherTrust)),
      'activate-licence': async (input, seen, { signal }) =>
        activateLicence(await inside(input, signal), secrets, seen.inside!.licence, input.request.cipherTrust),
    },
    sight: ({ knock, inside }) => [knock.left, inside?.ntp.listed, inside?.licence],
  });
};
