import type { StepInput, StepResult } from '../../domain/results.ts';
import { AdminLogin, type LoginState } from '../../systems/ciphertrust/admin-login.ts';
import { decideAdminLogin, exposureOf } from '../admin-login.ts';
import { type Attempt, converge, done, lasting } from '../converge.ts';
import { enterManagerSecrets, passwordRecord } from '../manager.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'admin-password'>;

export const decideAdminPassword = (login: LoginState, input: Pick<Input, 'openSince' | 'target'>) =>
  decideAdminLogin(login, input) ?? done<StepResult<'admin-password'>>(exposureOf(input.openSince, login.replacedAt));

/** “Enter a new password”: the initial password becomes the kept one, without ever signing in with the initial one. */
export const adminPassword = (systems: Systems) => {
  const adminLogin = new AdminLogin(systems);
  const caller = (input: Input, attempt: Attempt) => ({
    job: input,
    at: input.cipherTrust,
    signal: attempt.signal,
    record: passwordRecord({ systems, input, attempt }),
  });
  return converge<Input, LoginState, StepResult<'admin-password'>, 'replace-password'>({
    lasting: lasting(systems.settings, 'manager-password'),
    async observe(input, attempt) {
      // The kept password is shown first.
      await enterManagerSecrets({ systems, input, attempt }, 'ciphertrust-admin-password');
      return { ...(await adminLogin.look(caller(input, attempt), 'kept')).login };
    },
    decide: decideAdminPassword,
    act: { 'replace-password': (input, _, attempt) => adminLogin.replace(caller(input, attempt)) },
  });
};
