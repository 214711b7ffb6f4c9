import type { StepInput, StepResult } from '../../domain/results.ts';
import { kept } from '../../stores/secrets/kept.ts';
import type { LunaClient } from '../../systems/lunacm/luna-client.ts';
import { mayTry, RoleLog } from '../../systems/lunacm/role-log.ts';
import { doNotRetry, mustSignIn, type Roles, readRoles, type SignIn, signIn, tooFew, type Who, worthTrying } from '../../systems/lunacm/roles.ts';
import { act, converge, done, halt, lasting } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'crypto-officer'>;

export interface Seen extends Roles {
  /** How a sign-in with the kept password ended; only tried where it can be expected to be good. */
  signIn: SignIn | 'not tried';
}

export const decideCryptoOfficer = ({ officer, partitionSo, spent, officerIsNew, signIn }: Seen) => {
  const halted = (seen: string, remedy: string) => halt({ tried: 'setting up the crypto officer', seen, source: 'lunacm', remedy });
  if (officer.initialised === undefined) return halted('nothing tells whether it is initialised', 'Nothing was tried. Look at role show by hand, then retry.');
  if (!officer.initialised) return mayTry(partitionSo, spent.po) ? act('initialize') : halt(tooFew('po', partitionSo, spent.po));
  if (signIn === 'good') return done<StepResult<'crypto-officer'>>(officer.attemptsLeft === undefined ? {} : { attemptsLeft: officer.attemptsLeft });
  if (signIn === 'locked') return halt(tooFew('co', { attemptsLeft: 0 }, spent.co));
  if (!mayTry(officer, spent.co)) return halt(tooFew('co', officer, spent.co));
  // Where nobody tells whether the first password still holds, the kept one was tried before it.
  const firstMayHold = officer.mustChange === undefined || officerIsNew;
  if (officer.mustChange === true || (firstMayHold && signIn === 'refused')) return act('change-password');
  if (signIn === 'expired')
    return halted('the kept password is taken and must be changed', 'Somebody reset it. Change it by hand and set the kept one again, then retry.');
  return halted('the kept password is refused', doNotRetry('co'));
};

/** The partition SO initialises the crypto officer with a temporary password, who changes it at once: it is good for one sign-in only. */
export const cryptoOfficer = ({ luna, secrets, settings, transcripts }: Systems) => {
  const keptPassword = ({ target }: Input, purpose: 'partition-so-password' | 'crypto-officer-temporary-password' | 'crypto-officer-password') =>
    kept(secrets, target, purpose);
  const onHost = <T>(input: Input, signal: AbortSignal, work: (client: LunaClient, log: RoleLog) => Promise<T>) =>
    luna.client(input, input, 'crypto-officer', signal, (client) => work(client, new RoleLog(transcripts, input)));
  /** As a role, whose sign-in and commands must succeed. No script shows a second password where the sign-in before it may have failed. */
  const as = async (who: Omit<Who, 'serial'>, command: string, secret: string, [client, log, input]: [LunaClient, RoleLog, Input]) => {
    const outputs = await mustSignIn(client, log, { ...who, serial: input.partitionSerial }, [command], [secret]);
    client.mustHaveSucceeded(outputs, [who.password, secret]);
  };
  /** lunacm itself refuses to change a password of a role that is not signed in (`A role must be logged in`): the HSM is not asked. */
  const change = async (...told: [LunaClient, RoleLog, Input]) => {
    const [first, final] = [await keptPassword(told[2], 'crypto-officer-temporary-password'), await keptPassword(told[2], 'crypto-officer-password')];
    await as({ role: 'co', password: first, first: true }, `role changepw -name co -oldpw ${first} -newpw ${final} -force`, final, told);
    await told[1].firstIsOver('co');
  };
  return converge<Input, Seen, StepResult<'crypto-officer'>, 'initialize' | 'change-password'>({
    lasting: lasting(settings, 'lunacm-script'),
    observe: async (input, { signal }) => {
      const password = await keptPassword(input, 'crypto-officer-password');
      const shown = await luna.partitionShow(input, input, 'crypto-officer', signal);
      return onHost(input, signal, async (client, log) => {
        const roles = await readRoles(client, log, input.partitionSerial, shown);
        if (!worthTrying(roles)) return { ...roles, signIn: 'not tried' };
        const { signIn: ended } = await signIn(client, log, { serial: input.partitionSerial, role: 'co', password });
        return { ...roles, spent: { ...roles.spent, co: await log.spent('co') }, signIn: ended };
      });
    },
    decide: decideCryptoOfficer,
    act: {
      initialize: (input, _, { signal }) =>
        onHost(input, signal, async (client, log) => {
          const [password, first] = [await keptPassword(input, 'partition-so-password'), await keptPassword(input, 'crypto-officer-temporary-password')];
          await log.initialises('co');
          await as({ role: 'po', password }, `role init -name co -password ${first}`, first, [client, log, input]);
          await change(client, log, input);
        }),
      'change-password': (input, _, { signal }) => onHost(input, signal, (client, log) => change(client, log, input)),
    },
    sight: ({ officer: { initialised, mustChange }, signIn }) => [initialised, mustChange, signIn],
  });
};
