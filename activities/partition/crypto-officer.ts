import { unsafe } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import type { LunaClient } from '../../systems/lunacm/luna-client.ts';
import { succeeded } from '../../systems/lunacm/parse.ts';
import { parsePartitionRole, type RoleShown, together } from '../../systems/lunash/partition-show.ts';
import { kept } from '../../systems/secrets/kept.ts';
import { act, converge, done, halt } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'crypto-officer'>;

export interface Seen {
  officer: RoleShown;
  partitionSo: Pick<RoleShown, 'attemptsLeft'>;
  /** How a sign-in with the kept password ended; only tried where it can be expected to be good. */
  signIn: 'good' | 'refused' | 'locked' | 'expired' | 'not tried';
}

/** Below this no password is tried any more: ten wrong ones lock the crypto officer for good, or erase the partition. */
const fewestAttempts = 5;
const enough = ({ attemptsLeft }: Pick<RoleShown, 'attemptsLeft'>): boolean => attemptsLeft === undefined || attemptsLeft >= fewestAttempts;

/** May the kept password be tried? Not where the first one is known to hold, and never on the last attempts. */
export const worthTrying = (officer: RoleShown): boolean => officer.initialised === true && officer.mustChange !== true && enough(officer);

export const decideCryptoOfficer = ({ officer, partitionSo, signIn }: Seen) => {
  const halted = (seen: string, remedy: string) => halt({ tried: 'setting up the crypto officer', seen, source: 'lunacm', remedy });
  const tooFew = (role: string, { attemptsLeft }: Pick<RoleShown, 'attemptsLeft'>) =>
    halted(
      attemptsLeft === 0 ? `${role} is locked out` : `only ${attemptsLeft} attempts of ${role} are left`,
      `Nothing was tried. Sign in by hand as ${role} with the kept password, which resets the counter, then retry.`,
    );
  if (officer.initialised === undefined) return halted('nothing tells whether it is initialised', 'Nothing was tried. Look at role show by hand, then retry.');
  if (!officer.initialised) return enough(partitionSo) ? act('initialize') : tooFew('po', partitionSo);
  if (!enough(officer)) return tooFew('co', officer);
  if (signIn === 'good') return done<StepResult<'crypto-officer'>>(officer.attemptsLeft === undefined ? {} : { attemptsLeft: officer.attemptsLeft });
  if (signIn === 'locked') return tooFew('co', { attemptsLeft: 0 });
  // Where nobody tells whether the first password still holds, the kept one was tried before it.
  if (officer.mustChange === true || (officer.mustChange === undefined && signIn === 'refused')) return act('change-password');
  if (signIn === 'expired')
    return halted('the kept password is taken and must be changed', 'Somebody reset it. Change it by hand and set the kept one again, then retry.');
  return halted('the kept password is refused', 'Somebody set another one. Set the kept one by hand, then retry.');
};

/** The partition SO initialises the crypto officer with a temporary password, who changes it at once: it is good for one sign-in only. */
export const cryptoOfficer = ({ luna, secrets, settings }: Systems) => {
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
  const onHost = <T>(input: Input, signal: AbortSignal, work: (client: LunaClient) => Promise<T>) => luna.client(input, input, 'crypto-officer', signal, work);
  const type = async (input: Input, signal: AbortSignal, commands: (all: Awaited<ReturnType<typeof passwords>>) => string[]) => {
    const all = await passwords(input);
    await onHost(input, signal, (client) => client.mustOn(input.partitionSerial, commands(all), Object.values(all)));
  };
  return converge<Input, Seen, StepResult<'crypto-officer'>, 'initialize' | 'change-password'>({
    settleMs: settings.settleMs,
    observe: async (input, { signal }) => {
      const { final } = await passwords(input);
      const shown = await luna.shell(input, input, 'crypto-officer', signal, (session) =>
        session.read(`partition show -partition ${input.request.hsm.partition.name}`),
      );
      return onHost(input, signal, async (client) => {
        const info = await client.info(input.partitionSerial);
        const flags = info && { initialised: info.cryptoOfficer, mustChange: info.mustChange, attemptsLeft: undefined };
        const officer = together(together(await client.role(input.partitionSerial, 'co'), parsePartitionRole(shown, 'Crypto Officer')), flags);
        const partitionSo = together(await client.role(input.partitionSerial, 'po'), parsePartitionRole(shown, 'Partition SO'));
        return { officer, partitionSo, signIn: worthTrying(officer) ? await signIn(client, input.partitionSerial, final) : 'not tried' };
      });
    },
    decide: decideCryptoOfficer,
    act: {
      initialize: (input, _, { signal }) =>
        type(input, signal, (all) => [
          `role login -name po -password ${all.po}`,
          `role init -name co -password ${all.temporary}`,
          'role logout',
          ...change(all),
        ]),
      'change-password': (input, _, { signal }) => type(input, signal, change),
    },
    sight: ({ officer: { initialised, mustChange }, signIn }) => [initialised, mustChange, signIn],
  });
};

async function signIn(client: LunaClient, serial: string, password: string): Promise<Seen['signIn']> {
  const [login] = await client.on(serial, [`role login -name co -password ${password}`, 'role logout'], [password]);
  if (login && succeeded(login)) return 'good';
  const why = `${login?.result ?? ''} ${login?.text ?? ''}`;
  if (/PIN_LOCKED|0xa4\b/i.test(why)) return 'locked';
  if (/PIN_EXPIRED|0xa3\b/i.test(why)) return 'expired';
  if (/PIN_INCORRECT|0xa0\b/i.test(why)) return 'refused';
  throw unsafe({
    tried: 'role login -name co',
    seen: login?.result ?? 'no result',
    source: 'lunacm',
    remedy: 'It does not say whether the password is right: nothing else was tried. Look at the Luna client on the Windows host, then retry.',
  });
}
