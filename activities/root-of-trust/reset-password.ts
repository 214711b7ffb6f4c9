import type { StepInput, StepResult } from '../../domain/results.ts';
import { AdminLogin, type LoginState } from '../../systems/ciphertrust/admin-login.ts';
import {
  activateLicense,
  addNtp,
  type LicenseSeen,
  licensed,
  missingNtp,
  type NtpSeen,
  readLicense,
  readNtp,
  secretsOfLicense,
  secretsOfNtp,
} from '../../systems/ciphertrust/essentials.ts';
import { decideAdminLogin, exposureOf } from '../admin-login.ts';
import { type Attempt, act, converge, done, lasting } from '../converge.ts';
import { enterManagerSecrets, passwordRecord, signedIn } from '../manager.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'reset-password'>;

export interface Seen {
  login: LoginState;
  /** What can be seen once inside. */
  inside?: { ntp: NtpSeen; license: LicenseSeen };
  /** When it was looked, ISO 8601. */
  at: string;
}

/** The request’s time servers, and those that were there before the wipe; not those whose key nobody here has. */
const wantedNtp = ({ request, others = [], ntpSkipped }: Pick<Input, 'request' | 'others' | 'ntpSkipped'>) => ({
  ntp: [...(ntpSkipped ? [] : request.cipherTrust.ntp), ...others.filter(({ keyed }) => !keyed).map(({ host }) => ({ host }))],
});

type Needed = 'cipherTrust' | 'request' | 'openSince' | 'exposures' | 'target' | 'others' | 'ntpSkipped';

export const decideResetPassword = ({ login, inside, at }: Seen, input: Pick<Input, Needed>) => {
  const { cipherTrust, request, openSince, exposures, others = [] } = input;
  const outside = decideAdminLogin(login, input);
  if (outside) return outside;
  if (inside && missingNtp(inside.ntp, wantedNtp(input)).length > 0) return act('add-ntp');
  if (inside && !licensed(inside.license, request.cipherTrust)) return act('activate-license');
  const lost = others.filter(({ host, keyed }) => keyed && inside && !inside.ntp.listed.includes(host));
  const warnings = lost.map(
    ({ host }) =>
      `The wipe removed the time server ${host}. Its authentication key cannot be read back, so this job did not restore it. Add it again in CipherTrust Manager.`,
  );
  // Where an attempt that is lost replaced it, now is the latest that it can have been.
  const exposed = { ...exposureOf(openSince, login.replacedAt ?? at), ...(exposures ? { exposures } : {}) };
  return done<StepResult<'reset-password'>>({ cipherTrust, warnings, ...exposed });
};

/** After the wipe the initial password works again: it is replaced at once; then time servers, also those that it had before, and license, where they are gone. */
export const resetPassword = (systems: Systems) => {
  const { secrets } = systems;
  const adminLogin = new AdminLogin(systems);
  const caller = (input: Input, attempt: Attempt) => ({
    job: input,
    at: input.cipherTrust,
    signal: attempt.signal,
    record: passwordRecord({ systems, input, attempt }),
  });
  const inside = (input: Input, attempt: Attempt) => signedIn({ systems, input, attempt }, input.cipherTrust);
  return converge<Input, Seen, StepResult<'reset-password'>, 'replace-password' | 'add-ntp' | 'activate-license'>({
    lasting: lasting(systems.settings, 'manager-password', 'manager-secret'),
    async observe(input, attempt) {
      await enterManagerSecrets({ systems, input, attempt }, 'ciphertrust-admin-password');
      const { login, manager } = await adminLogin.look(caller(input, attempt), input.openSince === undefined ? 'kept' : 'initial');
      const at = new Date().toISOString();
      return login.signedIn
        ? { login: { ...login }, inside: { ntp: await readNtp(manager), license: await readLicense(manager) }, at }
        : { login: { ...login }, at };
    },
    decide: decideResetPassword,
    act: {
      'replace-password': (input, _, attempt) => adminLogin.replace(caller(input, attempt)),
      async 'add-ntp'(input, seen, attempt) {
        const missing = missingNtp(seen.inside!.ntp, wantedNtp(input));
        await enterManagerSecrets({ systems, input, attempt }, ...secretsOfNtp(missing));
        await addNtp(await inside(input, attempt), secrets, missing);
      },
      async 'activate-license'(input, seen, attempt) {
        const { cipherTrust } = input.request;
        await enterManagerSecrets({ systems, input, attempt }, ...secretsOfLicense(cipherTrust));
        await activateLicense(await inside(input, attempt), secrets, seen.inside!.license, cipherTrust);
      },
    },
    fingerprint: ({ login, inside }) => [login.left, inside?.ntp.listed, inside?.license],
  });
};
