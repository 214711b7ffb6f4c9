import { refused } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import type { Manager } from '../../systems/ciphertrust/ciphertrust.ts';
import { source } from '../../systems/ciphertrust/errors.ts';
import { kept } from '../../systems/secrets/kept.ts';
import { act, converge, done } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'admin-password'>;

export const decideAdminPassword = (signedIn: boolean) => (signedIn ? done<StepResult<'admin-password'>>({}) : act('replace'));

/** Replaces the factory password by the kept one, without ever signing in with the factory one. */
export async function replacePassword(manager: Manager, password: string): Promise<void> {
  if (await manager.replaceDefaultPassword(password)) return;
  throw refused({
    tried: 'replacing the default password of CipherTrust Manager',
    seen: 'neither the kept nor the default password is accepted',
    source,
    remedy: 'Somebody set another password: put it back to the default (kscfg system reset), or abort.',
  });
}

/** “Enter a new password”: admin/admin becomes the kept password. */
export const adminPassword = ({ cipherTrust, secrets }: Systems) =>
  converge<Input, boolean, StepResult<'admin-password'>, 'replace'>({
    observe: async ({ target, cipherTrust: pinned }, { signal }) =>
      (await cipherTrust.connect(pinned, signal)).signIn(await kept(secrets, target, 'ciphertrust-admin-password')),
    decide: decideAdminPassword,
    act: {
      replace: async ({ target, cipherTrust: pinned }, _, { signal }) =>
        replacePassword(await cipherTrust.connect(pinned, signal), await kept(secrets, target, 'ciphertrust-admin-password')),
    },
  });
