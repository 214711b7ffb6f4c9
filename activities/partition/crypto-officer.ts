import type { StepInput, StepResult } from '../../domain/results.ts';
import { succeeded } from '../../systems/lunacm/parse.ts';
import { kept } from '../../systems/secrets/kept.ts';
import { act, converge, done, halt } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'crypto-officer'>;

export interface Seen {
  initialised: boolean;
  attemptsLeft: number | undefined;
  /** The first password still holds. */
  mustChange: boolean;
  /** Does the kept password open it? Only tried where that can be expected. */
  signedIn: boolean;
}

/** Below this no password is tried any more: ten wrong ones lock the crypto officer for good. */
const fewestAttempts = 5;

export const decideCryptoOfficer = ({ initialised, attemptsLeft, mustChange, signedIn }: Seen) => {
  const halted = (seen: string, remedy: string) => halt({ tried: 'setting up the crypto officer', seen, source: 'lunacm', remedy });
  if (!initialised) return act('initialize');
  if (attemptsLeft !== undefined && attemptsLeft < fewestAttempts)
    return halted(`only ${attemptsLeft} attempts are left`, 'Sign in by hand as co with the kept password, which resets the counter, then retry.');
  if (mustChange) return act('change-password');
  if (signedIn) return done<StepResult<'crypto-officer'>>(attemptsLeft === undefined ? {} : { attemptsLeft });
  return halted('the kept password is refused', 'Somebody set another one. Set the kept one by hand, then retry.');
};

/** The partition SO initialises the crypto officer with a temporary password, who changes it at once: it is good for one sign-in only. */
export const cryptoOfficer = ({ luna, secrets }: Systems) => {
  const passwords = async ({ target }: Input) => ({
    po: await kept(secrets, target, 'partition-so-password'),
    temporary: await kept(secrets, target, 'crypto-officer-temporary-password'),
    final: await kept(secrets, target, 'crypto-officer-password'),
  });
  const change = ({ temporary, final }: { temporary: string; final: string }) => [
    `role login -name co -password ${temporary}`,
    `role changepw -name co -oldpw ${temporary} -newpw ${final} -force`,
    'role logout',
  ];
  return converge<Input, Seen, StepResult<'crypto-officer'>, 'initialize' | 'change-password'>({
    observe: async (input, { signal }) => {
      const { final } = await passwords(input);
      const seen = await luna.client(input, input, 'crypto-officer', signal, async (client) => {
        await client.needSlot(input.slot, input.partitionSerial);
        const info = await client.info(input.slot);
        const role = await client.role(input.slot, 'co');
        const initialised = info?.cryptoOfficer ?? role?.initialised ?? false;
        const [attemptsLeft, mustChange] = [role?.attemptsLeft, role?.mustChange ?? false];
        const trySignIn = initialised && !mustChange && (attemptsLeft ?? fewestAttempts) >= fewestAttempts;
        const [, login] = trySignIn ? await client.run([`slot set -slot ${input.slot}`, `role login -name co -password ${final}`, 'role logout'], [final]) : [];
        return { initialised, attemptsLeft, mustChange, signedIn: login !== undefined && succeeded(login) };
      });
      if (seen.signedIn)
        await luna.shell(input, input, 'crypto-officer', signal, (session) => session.read(`partition show -partition ${input.request.hsm.partition.name}`));
      return seen;
    },
    decide: decideCryptoOfficer,
    act: {
      initialize: async (input, _, { signal }) => {
        const all = await passwords(input);
        await luna.client(input, input, 'crypto-officer', signal, async (client) => {
          await client.needSlot(input.slot, input.partitionSerial);
          await client.must(
            [
              `slot set -slot ${input.slot}`,
              `role login -name po -password ${all.po}`,
              `role init -name co -password ${all.temporary}`,
              'role logout',
              ...change(all),
            ],
            Object.values(all),
          );
        });
      },
      'change-password': async (input, _, { signal }) => {
        const all = await passwords(input);
        await luna.client(input, input, 'crypto-officer', signal, async (client) => {
          await client.needSlot(input.slot, input.partitionSerial);
          await client.must([`slot set -slot ${input.slot}`, ...change(all)], Object.values(all));
        });
      },
    },
    sight: ({ initialised, mustChange }) => [initialised, mustChange],
  });
};
