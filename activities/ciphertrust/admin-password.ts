import type { Exposure, StepInput, StepResult } from '../../domain/results.ts';
import { Entrance, type Knock } from '../../systems/ciphertrust/entrance.ts';
import { source } from '../../systems/ciphertrust/errors.ts';
import { act, converge, done, refuse, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'admin-password'>;

/** Another password is shown in another attempt, and soon: until the initial one is replaced, it works for anybody. */
const soonMs = 1_000;

/** What comes next at the door; undefined once inside. */
export function decideEntrance({ signedIn, left, refusedNow, locked, found }: Knock) {
  if (signedIn) return undefined;
  if (locked) return wait(locked.seen, locked.retryAfterMs);
  const [next] = left;
  if (!next)
    return refuse({
      tried: 'signing in to CipherTrust Manager as admin',
      seen: found.join('; '),
      source,
      remedy: 'Somebody set another password, or the account is locked for a while: set the kept one by hand or reset it (kscfg system reset), then retry.',
    });
  return refusedNow ? wait(`CipherTrust Manager: ${found.at(-1)}; the ${next} one is next.`, soonMs) : act('replace-password');
}

/** From when to when the initial password worked, where this attempt replaced it. */
export const exposureOf = (openSince: string | undefined, replacedAt: string | undefined): { exposure?: Exposure } =>
  openSince && replacedAt ? { exposure: { from: openSince, until: replacedAt } } : {};

export const decideAdminPassword = (knock: Knock, { openSince }: Pick<Input, 'openSince'>) =>
  decideEntrance(knock) ?? done<StepResult<'admin-password'>>(exposureOf(openSince, knock.replacedAt));

/** “Enter a new password”: the initial password becomes the kept one, without ever signing in with the initial one. */
export const adminPassword = (systems: Systems) => {
  const entrance = new Entrance(systems);
  return converge<Input, Knock, StepResult<'admin-password'>, 'replace-password'>({
    observe: async (input, attempt) => ({ ...(await entrance.look(input, input.cipherTrust, attempt, 'kept')).knock }),
    decide: decideAdminPassword,
    act: { 'replace-password': (input, _, attempt) => entrance.replace(input, input.cipherTrust, attempt) },
  });
};
