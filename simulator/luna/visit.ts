import type { Connection, ServerChannel } from 'ssh2';
import type { World } from '../world.ts';
import { firstSignIn } from './first-sign-in.ts';
import { runLine } from './lunash.ts';
import { copy } from './scp.ts';
import { CommandError, Cut, Interrupted, type Session } from './session.ts';
import { authenticate } from './sign-in.ts';
import { type ApplianceState, generationOf } from './state.ts';
import { Terminal } from './terminal.ts';
import { wordsOf } from './words.ts';

/** One connection over SSH, and who is signed in on it. */
export interface Visit {
  readonly world: World;
  readonly state: ApplianceState;
  readonly connection: Connection;
  readonly id: string;
  user: string;
  /** Every command line that the appliance was ever given, by anybody. */
  readonly commandLines: string[];
  /** The shells that are open, of everybody. */
  readonly shells: Set<ServerChannel>;
}

/** Serves a connection: the sign-in, shells, single commands and scp. There is no SFTP. */
export function receive(visit: Visit): void {
  const { connection, world, state, id } = visit;
  connection.on('authentication', (context) => {
    void authenticate(world, state, id, context).then((signedIn) => {
      if (signedIn) visit.user = context.username;
    });
  });
  connection.on('ready', () => {
    connection.on('session', (accept) => {
      const session = accept();
      let tty = false;
      session.on('pty', (acceptPty) => {
        tty = true;
        acceptPty?.();
      });
      session.on('shell', (acceptShell, refuseShell) => {
        if (visit.shells.size >= Number(world.variants['luna.mostShells'] ?? Number.POSITIVE_INFINITY)) return refuseShell();
        const channel = acceptShell();
        visit.shells.add(channel);
        channel.once('close', () => visit.shells.delete(channel));
        void shell(visit, channel, tty);
      });
      session.on('exec', (acceptExec, _, { command }) => void execute(visit, acceptExec(), command));
    });
  });
}

function sessionOn({ world, state, connection, user }: Visit, terminal: Terminal): Session {
  let signedInAt: number | undefined;
  const session: Session = {
    world,
    state,
    user,
    entry: undefined,
    get soSignedIn() {
      return signedInAt === generationOf(state);
    },
    set soSignedIn(signedIn) {
      signedInAt = signedIn ? generationOf(state) : undefined;
    },
    print: (text) => terminal.write(text),
    async ask(prompt, echo) {
      const { entry } = session;
      if (entry) {
        entry.questions = (entry.questions ?? 0) + 1;
        await world.faults.hold('question ', entry.operation);
      }
      terminal.write(prompt);
      return terminal.readLine(echo);
    },
    hangUp: () => connection.end(),
  };
  return session;
}

const arrivals =
  ({ world, state, id }: Visit) =>
  (operation: string) =>
    world.requestLog.arrive({ system: 'lunash', connection: id, operation, target: state.address });

const mustChange = ({ state, user }: Visit): boolean => state.users.find(({ name }) => name === user)?.mustChange ?? false;

async function shell(visit: Visit, channel: ServerChannel, tty: boolean): Promise<void> {
  const { world } = visit;
  const { variants } = world;
  const terminal = new Terminal(channel, tty, {
    lf: variants['luna.lineEnds'] === 'lf',
    silent: variants['luna.echo'] === 'no',
    deaf: variants['luna.interrupt'] === 'ignored',
  });
  const session = sessionOn(visit, terminal);
  try {
    terminal.write(`Last login: ${new Date().toUTCString().replace(',', '').replace(' GMT', '')}\n\n${wordsOf(world).banner}\n`);
    if (mustChange(visit)) {
      session.entry = arrivals(visit)('lunash:first sign-in');
      await firstSignIn(session, session.entry);
      session.entry = undefined;
    }
    while (await oneLine(visit, session, tty));
  } catch (error) {
    if (error instanceof CommandError) terminal.write(`${error.lines.join('\n')}\n`);
    else if (!(error instanceof Cut || error instanceof Interrupted)) throw error;
  }
  terminal.exit(0);
}

/** Prompts for a line and runs it; false when the session is over. */
async function oneLine(visit: Visit, session: Session, tty: boolean): Promise<boolean> {
  try {
    const line = await session.ask(tty ? `\n[${visit.state.hostname}] lunash:>` : '', 'plain');
    visit.commandLines.push(line);
    return await runLine(session, arrivals(visit), line);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    session.print('^C\n');
    return true;
  }
}

async function execute(visit: Visit, channel: ServerChannel, command: string): Promise<void> {
  const { world, state, id } = visit;
  const [, options, path] = /^scp\s+((?:-[a-z]+\s+)+)(?:--\s+)?(.*)$/.exec(command) ?? [];
  visit.commandLines.push(command);
  if (mustChange(visit)) {
    channel.stderr.write('You must change your password first.\n');
    channel.exit(1);
    return void channel.end();
  }
  if (options && /[ft]/.test(options)) {
    const get = options.includes('f');
    const entry = world.requestLog.arrive({
      system: 'luna-scp',
      connection: id,
      operation: get ? 'luna-scp:get' : 'luna-scp:put',
      target: `${state.address}:${path}`,
    });
    const hangUp = () => visit.connection.end();
    return copy(get ? 'get' : 'put', { world, state, channel, path: path!.replaceAll(/^['"]|['"]$/g, ''), times: options.includes('p'), entry, hangUp });
  }
  const terminal = new Terminal(channel, false, { lf: true, silent: true, deaf: true });
  const session = sessionOn(visit, terminal);
  const withResult = world.variants['luna.execResult'] !== 'no';
  if (!withResult) session.print = (text) => terminal.write(text.replace(/^\s*Command Result.*\n?/gm, ''));
  await runLine(session, arrivals(visit), command);
  terminal.exit(0);
}
