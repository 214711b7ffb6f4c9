import type { AuthContext, KeyboardAuthContext, PasswordAuthContext, ServerConfig } from 'ssh2';
import { settle } from '../request-log.ts';
import type { World } from '../world.ts';
import { strong } from './first-sign-in.ts';
import type { ApplianceState, UserState } from './state.ts';

const methods = ['password', 'keyboard-interactive'] as const;

const offers: Record<string, Pick<ServerConfig, 'algorithms'>> = {
  old: {
    algorithms: { kex: ['diffie-hellman-group14-sha1'], serverHostKey: ['ssh-rsa'], cipher: ['aes256-cbc', 'aes128-cbc'], hmac: ['hmac-sha1'] },
  },
  '7.8': {
    algorithms: {
      cipher: ['aes192-ctr', 'aes256-ctr'],
      hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
    },
  },
};

/** Which algorithms the appliance offers over SSH; nothing is published for 7.2. */
export const algorithmsOf = ({ variants }: World): Pick<ServerConfig, 'algorithms'> => offers[variants['luna.algorithms'] ?? 'usual'] ?? {};

/** Judges one authentication request; each password that was offered is an arrival. */
export async function authenticate(world: World, state: ApplianceState, connection: string, context: AuthContext): Promise<boolean> {
  const offered = world.variants['luna.signIn'] === 'keyboard-interactive' ? [methods[1]] : [...methods];
  const refuse = () => {
    context.reject(offered as never);
    return false;
  };
  if (!offered.includes(context.method as (typeof methods)[number])) return refuse();
  const asking = context as PasswordAuthContext | KeyboardAuthContext;
  const given = asking.method === 'password' ? asking.password : (await ask(asking, [`(${context.username}@hsm) Password: `]))[0];
  const user = state.users.find(({ name }) => name === context.username);
  const good = user !== undefined && given === user.password;
  const entry = world.requestLog.arrive({ system: 'luna-ssh', connection, operation: 'luna-ssh:sign-in', target: state.address });
  settle(entry, good ? 'done' : 'refused');
  if (!good || (user.mustChange && !(await changed(world, user, asking)))) return refuse();
  context.accept();
  return true;
}

const ask = (context: KeyboardAuthContext, prompts: string[]): Promise<string[]> =>
  new Promise((resolve) =>
    context.prompt(
      prompts.map((prompt) => ({ prompt, echo: false })),
      resolve,
    ),
  );

/** The forced change, where it comes before the shell; whether the sign-in may go on. */
async function changed(world: World, user: UserState, context: PasswordAuthContext | KeyboardAuthContext): Promise<boolean> {
  const where = world.variants['luna.forcedChange'] ?? 'shell';
  if (where === 'shell') return true;
  const next = where === 'ssh' ? await bySsh(context) : await byQuestions(context);
  if (next === undefined || !strong(next)) return false;
  Object.assign(user, { password: next, mustChange: false });
  world.changed();
  return true;
}

/** SSH’s own request for a change belongs to the password method. */
const bySsh = (context: PasswordAuthContext | KeyboardAuthContext): Promise<string | undefined> =>
  context.method === 'password' ? new Promise((resolve) => context.requestChange('You must change your password.', resolve)) : Promise.resolve(undefined);

/** As PAM asks: the present one again, then the new one twice, in a round of their own. */
async function byQuestions(context: PasswordAuthContext | KeyboardAuthContext): Promise<string | undefined> {
  if (context.method !== 'keyboard-interactive') return undefined;
  await ask(context, ['(current) UNIX password: ']);
  const [next, again] = await ask(context, ['New password: ', 'Retype new password: ']);
  return next === again ? next : undefined;
}
