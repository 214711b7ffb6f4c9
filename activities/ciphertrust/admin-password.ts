import type { StepInput, StepResult } from '../../domain/results.ts';
import { Entrance, type Knock } from '../../systems/ciphertrust/entrance.ts';
import { type Attempt, converge, done, lasting } from '../converge.ts';
import { decideEntrance, exposureOf } from '../entrance.ts';
import { enterManagerSecrets, passwordRecord } from '../manager.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'admin-password'>;

export const decideAdminPassword = (knock: Knock, input: Pick<Input, 'openSince' | 'target'>) =>
  decideEntrance(knock, input) ?? done<StepResult<'admin-password'>>(exposureOf(input.openSince, knock.replacedAt));

/** “Enter a new password”: the initial password becomes the kept one, without ever signing in with the initial one. */
export const adminPassword = (systems: Systems) => {
  const entrance = new Entrance(systems);
  const caller = (input: Input, attempt: Attempt) => ({
    job: input,
    at: input.cipherTrust,
    signal: attempt.signal,
    record: passwordRecord({ systems, input, attempt }),
  });
  return converge<Input, Knock, StepResult<'admin-password'>, 'replace-password'>({
    lasting: lasting(systems.settings, 'manager-password'),
    async observe(input, attempt) {
      // The kept password is shown first.
      await enterManagerSecrets({ systems, input, attempt }, 'ciphertrust-admin-password');
      return { ...(await entrance.look(caller(input, attempt), 'kept')).knock };
    },
    decide: decideAdminPassword,
    act: { 'replace-password': (input, _, attempt) => entrance.replace(caller(input, attempt)) },
  });
};
