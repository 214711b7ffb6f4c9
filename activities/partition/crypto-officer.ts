import type { CodeOf } from '../../domain/failure-codes.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { refusedUnder } from '../../stores/record/memory.ts';
import { writerOf } from '../../stores/record/writer.ts';
import { requireSecret } from '../../stores/secrets/kept.ts';
import type { LunaClient } from '../../systems/lunacm/luna-client.ts';
import { mayTry, RoleLog } from '../../systems/lunacm/role-log.ts';
import { doNotRetry, mustSignIn, type Roles, readRoles, type SignIn, signIn, tooFew, type Who, worthTrying } from '../../systems/lunacm/roles.ts';
import { type Attempt, act, converge, done, halt, prove } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { enterLunacmSecrets } from '../machine-record.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'crypto-officer'>;

export interface Seen extends Roles {
  /** Which passwords were refused under this very retry: they are not shown again before a person orders another one. */
  refused: { po: boolean; co: boolean; coFirst: boolean };
}

export interface Proofs {
  /** How a sign-in with the kept password ended; only tried where it can be expected to be good. */
  'co-password': SignIn;
}

const tried = 'setting up the crypto officer';
const halted = (code: CodeOf<'Unsafe'>, summary: string, remedy: string) => halt({ code, tried, summary, remedy });

export const decideCryptoOfficer = (seen: Seen, _: unknown, proofs: Partial<Proofs>) => {
  const { officer, partitionSo, spent, refused } = seen;
  if (officer.initialized === undefined)
    return halted('HSM_UNREADABLE', 'cannot determine whether it is initialized', 'Nothing was tried. Check role show in lunacm, then retry.');
  if (!officer.initialized) {
    if (refused.po) return halted('LUNACM_PASSWORD_REFUSED', 'the stored password of the partition SO is refused', doNotRetry('po'));
    return mayTry(partitionSo, spent.po) ? act('initialize') : halt(tooFew('po', partitionSo, spent.po));
  }
  const signIn = proofs['co-password'] ?? (refused.co ? 'refused' : undefined);
  if (signIn === 'good') return done<StepResult<'crypto-officer'>>(officer.attemptsLeft === undefined ? {} : { attemptsLeft: officer.attemptsLeft });
  if (signIn === 'locked') return halt(tooFew('co', { attemptsLeft: 0 }, spent.co));
  if (signIn === undefined && worthTrying(seen)) return prove('co-password');
  if (!mayTry(officer, spent.co)) return halt(tooFew('co', officer, spent.co));
  return withFirstPassword(seen, signIn);
};

/** Where nobody tells whether the first password still holds, the kept one was tried before it. */
function withFirstPassword({ officer, officerIsNew, refused }: Seen, signIn: Exclude<SignIn, 'good' | 'locked'> | undefined) {
  const firstMayHold = officer.mustChange === true || ((officer.mustChange === undefined || officerIsNew) && signIn === 'refused');
  if (firstMayHold) return refused.coFirst ? halted('LUNACM_PASSWORD_REFUSED', 'the first password is refused', doNotRetry('co')) : act('change-password');
  if (signIn === 'expired')
    return halted(
      'LUNACM_PASSWORD_EXPIRED',
      'the stored password is accepted but must be changed',
      'Somebody reset it. Change it, set the stored one again, then retry.',
    );
  return halted('LUNACM_PASSWORD_REFUSED', 'the stored password is refused', doNotRetry('co'));
}

/** The partition SO initializes the crypto officer with a temporary password, who changes it at once: it is good for one sign-in only. */
export const cryptoOfficer = (systems: Systems) => {
  const { luna, secrets } = systems;
  const keptPassword = ({ target }: Input, purpose: 'partition-so-password' | 'crypto-officer-temporary-password' | 'crypto-officer-password') =>
    requireSecret(secrets, target, purpose);
  const onHost = <T>(input: Input, attempt: Attempt, work: (client: LunaClient, log: RoleLog) => Promise<T>) =>
    luna.client(input, attempt, (client) => work(client, new RoleLog(recordOf(systems, input, attempt, 'hsm'), input.partitionSerial, input)));
  /** As a role, whose sign-in and command must succeed. No script shows a second password where the sign-in before it may have failed. */
  const as = (who: Omit<Who, 'serial'>, command: string, secret: string, [client, log, input]: [LunaClient, RoleLog, Input]) =>
    mustSignIn(client, log, { ...who, serial: input.partitionSerial }, { command, secrets: [secret] });
  /** lunacm itself refuses to change a password of a role that is not signed in (`A role must be logged in`): the HSM is not asked. */
  const change = async (...told: [LunaClient, RoleLog, Input]) => {
    const [first, final] = [await keptPassword(told[2], 'crypto-officer-temporary-password'), await keptPassword(told[2], 'crypto-officer-password')];
    await as({ role: 'co', password: first, first: true }, `role changepw -name co -oldpw ${first} -newpw ${final} -force`, final, told);
    await told[1].firstIsOver('co');
  };
  return converge<Input, Seen, StepResult<'crypto-officer'>, 'initialize' | 'change-password', Proofs>({
    ...leaving(systems, 'lunacm-script', 'lunacm-role-init', 'lunacm-role-password'),
    observe: async (input, attempt) => {
      const { partitionSerial } = input;
      const shown = await luna.partitionShow(input, attempt);
      return onHost(input, attempt, async (client, log) => {
        const roles = await readRoles(client, log, partitionSerial, shown);
        const entries = await log.read();
        const wasRefused = (role: 'po' | 'co', first = false) => refusedUnder(entries, { role, partitionSerial, first }, writerOf(input, attempt));
        return { ...roles, refused: { po: wasRefused('po'), co: wasRefused('co'), coFirst: wasRefused('co', true) } };
      });
    },
    prove: {
      'co-password': async (input, _, attempt) => {
        const password = await keptPassword(input, 'crypto-officer-password');
        await enterLunacmSecrets({ systems, input, attempt });
        return onHost(input, attempt, async (client, log) => (await signIn(client, log, { serial: input.partitionSerial, role: 'co', password })).signIn);
      },
    },
    decide: decideCryptoOfficer,
    act: {
      async initialize(input, _, attempt) {
        await enterLunacmSecrets({ systems, input, attempt });
        await onHost(input, attempt, async (client, log) => {
          const [password, first] = [await keptPassword(input, 'partition-so-password'), await keptPassword(input, 'crypto-officer-temporary-password')];
          await log.initializes('co');
          await as({ role: 'po', password }, `role init -name co -password ${first}`, first, [client, log, input]);
          await change(client, log, input);
        });
      },
      async 'change-password'(input, _, attempt) {
        await enterLunacmSecrets({ systems, input, attempt });
        await onHost(input, attempt, (client, log) => change(client, log, input));
      },
    },
    fingerprint: ({ officer: { initialized, mustChange } }) => [initialized, mustChange],
  });
};
