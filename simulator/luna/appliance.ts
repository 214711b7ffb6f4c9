import { randomUUID } from 'node:crypto';
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2';
import { selfSigned } from '../certificates.ts';
import { settle } from '../ledger.ts';
import { Doors, listenLocally } from '../machine.ts';
import { newRsaKey } from '../ssh-key.ts';
import type { Appliance, World } from '../world.ts';
import { firstSignIn } from './first-sign-in.ts';
import { runLine } from './lunash.ts';
import { reachable, signInAsCryptoOfficer, viewOf } from './ntls.ts';
import { give, take } from './scp.ts';
import { CommandError, Cut, type Session } from './session.ts';
import { type ApplianceState, generationOf, newCounts } from './state.ts';
import { Terminal } from './terminal.ts';

const banner = '\nLuna Network HSM Command Line Shell v7.2.0-220. Copyright (c) 2018 SafeNet. All rights reserved.\n';

/** How Azure delivers an appliance: zeroized, `tenantadmin` with the password `PASSWORD`, NTLS bound to nothing. */
async function delivered(world: World, { name, address }: { name: string; address: string }): Promise<ApplianceState> {
  const server = await selfSigned({ commonName: 'local_host' });
  return {
    name,
    address,
    server,
    hostname: 'local_host',
    hostKeyPem: await newRsaKey(2048),
    users: [{ name: 'tenantadmin', password: 'PASSWORD', mustChange: true }],
    files: { 'server.pem': server.certificatePem },
    hsm: { serial: '572413', label: '', zeroized: true, soAttemptsLeft: 3, fips: false, partitions: [] },
    counts: newCounts(),
    clients: [],
    ntls: { device: null, running: true, ipCheck: true },
    clock: { skewMinutes: Number(world.quirks['luna.clockSkewMinutes'] ?? 0), zone: world.quirks['luna.zone'] ?? 'EDT' },
  };
}

/** A Luna Network HSM 7.2 as Azure Dedicated HSM delivers it: LunaSH and scp over SSH, and NTLS for the machines in the same world. */
export async function createAppliance(world: World, spec: { name: string; address: string }): Promise<Appliance> {
  const all = (world.state['appliances'] ??= {}) as Record<string, ApplianceState>;
  const state = (all[spec.address] ??= await delivered(world, spec));
  world.changed();
  const open = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [state.hostKeyPem] }, (connection) => {
    open.add(connection);
    // From the start: with Nagle’s delays every handshake takes a quarter of a second.
    (connection as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
    connection.on('close', () => open.delete(connection)).on('error', () => {});
    serve(world, state, connection);
  });
  const doors = new Doors(world.network, state.address);
  doors.open(22, await listenLocally(server as never));
  const partitionOf = (serial: string) => state.hsm.partitions.find((partition) => partition.serial === serial);
  return {
    address: state.address,
    ports: doors.ports,
    attach: (address) => doors.attach(address),
    async stop() {
      doors.close();
      for (const connection of open) connection.end();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
    get serial() {
      return state.hsm.serial;
    },
    get zeroized() {
      return state.hsm.zeroized;
    },
    ntls(attempt) {
      const seen = reachable(state, attempt);
      return seen.ok ? { ok: true, partitions: seen.partitions.map(viewOf) } : seen;
    },
    cryptoOfficerSignIn(attempt, serial, password) {
      const seen = reachable(state, attempt);
      if (!seen.ok) return seen;
      const partition = seen.partitions.find((candidate) => candidate.serial === serial);
      if (!partition) return { ok: false, why: `no partition with the serial ${serial} is assigned to this client` };
      const signedIn = signInAsCryptoOfficer(partition, password);
      world.changed();
      return signedIn.ok ? { ok: true, partition: viewOf(partition) } : signedIn;
    },
    addObjects(serial, labels) {
      const partition = partitionOf(serial);
      for (const label of labels) if (partition && !partition.objects.includes(label)) partition.objects.push(label);
      world.changed();
    },
    partition: partitionOf,
    state,
    summary: () => ({
      address: state.address,
      serial: state.hsm.serial,
      label: state.hsm.label,
      zeroized: state.hsm.zeroized,
      fips: state.hsm.fips,
      soAttemptsLeft: state.hsm.soAttemptsLeft,
      counts: state.counts,
      partitions: state.hsm.partitions.map(viewOf),
      clients: state.clients.map(({ name, ip, hostname, partitions }) => ({ name, ip, hostname, partitions })),
    }),
  };
}

function serve(world: World, state: ApplianceState, connection: Connection): void {
  const id = randomUUID().slice(0, 8);
  let user = '';
  connection.on('authentication', (context) => {
    const password = answerOf(world, context);
    if (password === undefined) return;
    void password.then((given) => {
      const known = state.users.find(({ name }) => name === context.username);
      const good = known !== undefined && given === known.password;
      settle(
        world.ledger.arrive({ system: 'luna-ssh', connection: id, operation: 'luna-ssh:sign-in', target: state.address, destructive: false }),
        good ? 'done' : 'refused',
      );
      if (!good) return context.reject(['password', 'keyboard-interactive']);
      user = context.username;
      context.accept();
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
      session.on('shell', (acceptShell) => void shell(world, state, connection, id, user, acceptShell(), tty));
      session.on('exec', (acceptExec, _, { command }) => void execute(world, state, connection, id, user, acceptExec(), command));
    });
  });
}

/** The password that is offered, by either method; undefined where another method was tried. */
function answerOf(world: World, context: AuthContext): Promise<string> | undefined {
  const offered = world.quirks['luna.signIn'] === 'keyboard-interactive' ? ['keyboard-interactive'] : ['password', 'keyboard-interactive'];
  if (!offered.includes(context.method)) return void context.reject(offered as never);
  if (context.method === 'password') return Promise.resolve(context.password);
  if (context.method !== 'keyboard-interactive') return undefined;
  return new Promise((resolve) => context.prompt([{ prompt: `(${context.username}@hsm) Password: `, echo: false }], (answers) => resolve(answers[0] ?? '')));
}

function sessionOn(world: World, state: ApplianceState, connection: Connection, terminal: Terminal, user: string): Session {
  let signedInAt: number | undefined;
  return {
    world,
    state,
    user,
    get soSignedIn() {
      return signedInAt === generationOf(state);
    },
    set soSignedIn(signedIn) {
      signedInAt = signedIn ? generationOf(state) : undefined;
    },
    print: (text) => terminal.write(text),
    ask: (prompt, echo) => {
      terminal.write(prompt);
      return terminal.readLine(echo);
    },
    hangUp: () => connection.end(),
  };
}

async function shell(
  world: World,
  state: ApplianceState,
  connection: Connection,
  id: string,
  user: string,
  channel: ServerChannel,
  tty: boolean,
): Promise<void> {
  const terminal = new Terminal(channel, tty);
  const session = sessionOn(world, state, connection, terminal, user);
  const arrive = (operation: string, destructive: boolean) =>
    world.ledger.arrive({ system: 'lunash', connection: id, operation, target: state.address, destructive });
  try {
    terminal.write(`Last login: ${new Date().toUTCString().replace(',', '').replace(' GMT', '')}\n${banner}`);
    if (state.users.find(({ name }) => name === user)?.mustChange) await firstSignIn(session, arrive('lunash:first sign-in', false));
    for (let goesOn = true; goesOn; ) {
      const line = await session.ask(tty ? `\n[${state.hostname}] lunash:>` : '', 'plain');
      goesOn = await runLine(session, arrive, line);
    }
  } catch (error) {
    if (error instanceof CommandError) terminal.write(`${error.lines.join('\n')}\n`);
    else if (!(error instanceof Cut)) throw error;
  }
  channel.exit(0);
  channel.end();
}

async function execute(
  world: World,
  state: ApplianceState,
  connection: Connection,
  id: string,
  user: string,
  channel: ServerChannel,
  command: string,
): Promise<void> {
  const [, direction, path] = /^scp\s+(?:-[a-eg-su-z]+\s+)*-[a-z]*([ft])\s+(?:--\s+)?(.*)$/.exec(command) ?? [];
  if (state.users.find(({ name }) => name === user)?.mustChange) {
    channel.stderr.write('You must change your password first.\n');
    channel.exit(1);
    return void channel.end();
  }
  if (direction) {
    const get = direction === 'f';
    const entry = world.ledger.arrive({
      system: 'luna-scp',
      connection: id,
      operation: get ? 'luna-scp:get' : 'luna-scp:put',
      target: `${state.address}:${path}`,
      destructive: false,
    });
    return (get ? give : take)(world, state, channel, path!.replaceAll(/^['"]|['"]$/g, ''), entry);
  }
  const session = sessionOn(world, state, connection, new Terminal(channel, false), user);
  await runLine(
    session,
    (operation, destructive) => world.ledger.arrive({ system: 'lunash', connection: id, operation, target: state.address, destructive }),
    command,
  );
  channel.exit(0);
  channel.end();
}
