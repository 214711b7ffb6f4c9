import { type ProblemOf, quoting, type StepFailure, unsafe } from '../../domain/failure.ts';
import { afterwards, suppressing } from '../../domain/first-error.ts';
import { holdsFirstPassword } from '../../stores/record/memory.ts';
import { parsePartitionRole, type RoleShown, together } from '../lunash/partition-show.ts';
import type { LunaClient } from './luna-client.ts';
import { type CommandOutput, parseContents, pinProblem, succeeded } from './parse.ts';
import { mayTry, type Role, type RoleLog, type Spent } from './role-log.ts';

const source = 'lunacm';

/** How a sign-in ended. */
export type SignIn = 'good' | 'refused' | 'locked' | 'expired';

/** The partition’s roles, as far as LunaSH and lunacm tell, and what the target record says has been tried of them. */
export interface Roles {
  officer: RoleShown;
  partitionSo: Pick<RoleShown, 'attemptsLeft'>;
  spent: Record<Role, Spent>;
  /** It was initialized here the crypto officer, and its first password was neither changed nor refused since: where the kept one is refused, the first one may hold, whatever the HSM says of changing it. */
  officerIsNew: boolean;
}

/** What can be known of the roles before any password is shown. `shown` is LunaSH’s `partition show`. */
export async function readRoles(client: LunaClient, log: RoleLog, serial: string, shown: string): Promise<Roles> {
  const entries = await log.read();
  const { info, po, co } = await client.roles(serial);
  const flags = info && { initialized: info.cryptoOfficer, mustChange: info.mustChange, attemptsLeft: undefined };
  return {
    officer: together(together(co, parsePartitionRole(shown, 'Crypto Officer')), flags),
    partitionSo: together(po, parsePartitionRole(shown, 'Partition SO')),
    spent: { po: log.spent(entries, 'po'), co: log.spent(entries, 'co') },
    officerIsNew: holdsFirstPassword(entries, 'co', serial),
  };
}

/** Who signs in. `first`: with the first password of a role, which is kept under a name of its own. */
export interface Who {
  serial: string;
  role: Role;
  password: string;
  first?: boolean;
}

/** What is done once signed in. */
export interface Then {
  command?: string;
  /** What of it the transcript must not show. */
  secrets?: readonly string[];
}

/** May the crypto officer’s kept password be tried? Not where the first one is known to hold, and never on the last attempts. */
export const worthTrying = ({ officer, spent }: Pick<Roles, 'officer' | 'spent'>): boolean =>
  officer.initialized === true && officer.mustChange !== true && mayTry(officer, spent.co);

/**
 * Signs a role in and runs one command as it, in one session of lunacm; the sign-in ends with that. It is on record before the password leaves. What the
 * caller must have looked at before: `mayTry`.
 */
export async function signIn(
  client: LunaClient,
  log: RoleLog,
  { serial, role, password, first = false }: Who,
  then: Then = {},
): Promise<{ signIn: SignIn; output?: CommandOutput }> {
  const script = [`role login -name ${role} -password ${password}`, ...(then.command === undefined ? [] : [then.command])];
  const [login, output] = await client.on(serial, script, [password, ...(then.secrets ?? [])], () => log.signIn(role, 'tried', first));
  const ended = login && succeeded(login) ? 'good' : login && pinProblem(login);
  if (!ended)
    throw unsafe({
      code: 'LUNACM_COMMAND_FAILED',
      tried: `role login -name ${role}`,
      summary: 'the sign-in failed, and nothing tells whether the password is right',
      ...quoting(source, login?.result ?? ''),
      remedy: 'Nothing else was tried. Check the Luna client on the Windows host, then retry.',
    });
  const wasTaken = ended === 'good' || ended === 'expired';
  await log.signIn(role, wasTaken ? 'accepted' : 'refused', first).catch((error: unknown) => {
    // A refused attempt that nobody remembers would be made once more.
    throw wasTaken ? error : suppressing(notTaken({ role, first }, ended), error);
  });
  return { signIn: ended, ...(output ? { output } : {}) };
}

/** As `signIn`, for a password that must be good: anything else is for a person, and is never tried again by itself. */
export async function mustSignIn(...[client, log, who, then = {}]: Parameters<typeof signIn>): Promise<void> {
  const { signIn: ended, output } = await signIn(client, log, who, then);
  if (ended === 'good') {
    if (output) client.mustHaveSucceeded([output], [who.password, ...(then.secrets ?? [])]);
    return;
  }
  const failure = notTaken(who, ended);
  throw who.first && ended === 'refused' ? await afterwards(failure, () => log.firstIsOver(who.role)) : failure;
}

export const doNotRetry = (role: Role): string =>
  `Do not retry: each retry uses an attempt, and ten wrong ones ${role === 'co' ? 'lock the partition’s keys away for good' : 'erase the partition'}. Find out who set another password, sign in by hand as ${role}, and set the stored one. Once it is taken, retry; where nothing tells how many attempts are left, abort and send the request again.`;

const notTaken = ({ role, first }: Pick<Who, 'role' | 'first'>, how: Exclude<SignIn, 'good'>): StepFailure =>
  unsafe({
    code: ({ refused: 'LUNACM_PASSWORD_REFUSED', locked: 'LUNACM_ATTEMPTS_USED', expired: 'LUNACM_PASSWORD_EXPIRED' } as const)[how],
    tried: `role login -name ${role}`,
    summary: {
      refused: `the ${first ? 'first' : 'stored'} password is refused`,
      locked: 'the role is locked out',
      expired: 'the password is accepted but must be changed',
    }[how],
    remedy: how === 'expired' ? 'Somebody reset it. Change it, set the stored one again, then retry.' : doNotRetry(role),
  });

/** Why no password is shown. */
export const tooFew = (role: Role, { attemptsLeft }: Pick<RoleShown, 'attemptsLeft'>, { tried, refused }: Spent): ProblemOf<'Unsafe'> => ({
  code: 'LUNACM_ATTEMPTS_USED',
  tried: `signing in as ${role}`,
  summary:
    attemptsLeft === undefined
      ? `nothing tells how many attempts of ${role} are left, and of the last ${tried} sign-ins ${refused} were refused and none is known to be good`
      : attemptsLeft === 0
        ? `${role} is locked out`
        : `only ${attemptsLeft} attempts of ${role} are left`,
  remedy: `Nothing was tried. Sign in yourself as ${role} with the stored password, which resets the counter, then ${attemptsLeft === undefined ? 'abort, and send the request again: this job tries no more' : 'retry'}.`,
});

/** The labels of the objects in a partition, seen as crypto officer: only where the kept password can be expected to be good. */
export async function readContents(client: LunaClient, log: RoleLog, who: { serial: string; password: string }, shown: string): Promise<string[]> {
  const { officer, spent } = await readRoles(client, log, who.serial, shown);
  if (!worthTrying({ officer, spent }))
    throw unsafe(
      mayTry(officer, spent.co)
        ? {
            code: 'LUNACM_PASSWORD_EXPIRED',
            tried: 'looking into the partition',
            summary: officer.initialized ? 'the crypto officer has its first password again' : 'nothing tells that the crypto officer is initialized',
            remedy: 'Nothing was tried. Find out who changed it (role show), and set the stored password; then retry.',
          }
        : tooFew('co', officer, spent.co),
    );
  const { signIn: ended, output } = await signIn(client, log, { ...who, role: 'co' }, { command: 'partition contents' });
  if (ended !== 'good') throw notTaken({ role: 'co' }, ended);
  client.mustHaveSucceeded([output!], [who.password]);
  return parseContents(output!.text);
}
