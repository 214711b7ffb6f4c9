import type { Exposure, StepContext } from '../domain/results.ts';
import { secretName } from '../stores/secrets/store.ts';
import type { LoginState } from '../systems/ciphertrust/admin-login.ts';
import { passwordName } from '../systems/ciphertrust/password-record.ts';
import { act, refuse, wait } from './converge.ts';

/** Another password is shown in another attempt, and soon: until the initial one is replaced, it works for anybody. */
const soonMs = 1_000;

/** What comes next at the door of CipherTrust Manager; undefined once inside. */
export function decideAdminLogin({ signedIn, left, pause, locked, found }: LoginState, { target }: Pick<StepContext, 'target'>) {
  if (signedIn) return undefined;
  if (locked) return wait(locked.summary, locked.retryAfterMs);
  const [next] = left;
  if (!next)
    return refuse({
      code: 'CIPHERTRUST_PASSWORD_REFUSED',
      tried: 'signing in to CipherTrust Manager as admin',
      summary: found.join('; '),
      remedy: `Set admin’s password to the stored one (${secretName(target, 'ciphertrust-admin-password')}), or wait until a locked account is free again. Then retry: each retry starts with another password. A reset would wipe CipherTrust Manager.`,
    });
  return pause ? wait(`CipherTrust Manager: ${pause}. The ${passwordName(next)} is tried next.`, soonMs) : act('replace-password');
}

/** From when to when the initial password worked, where this step replaced it. */
export const exposureOf = (openSince: string | undefined, replacedAt: string | undefined): { exposure?: Exposure } =>
  openSince && replacedAt ? { exposure: { from: openSince, until: replacedAt } } : {};
