import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import ssh2, { type AuthContext, type Connection } from 'ssh2';
import { Doors } from '../machine.ts';
import { type Entry, settle } from '../request-log.ts';
import { newRsaKey } from '../ssh-key.ts';
import { serveSsh } from '../ssh-server.ts';
import type { WindowsHost, World } from '../world.ts';
import { execute, runScript } from './exec.ts';
import { LunaClient } from './luna-client.ts';
import { serveSftp } from './sftp.ts';
import type { HostState } from './state.ts';

type Spec = { name: string; address: string; adminUser: string; adminPassword: string };

const keysFile = 'C:\\ProgramData\\ssh\\administrators_authorized_keys';
/** The only names that may stand on that file’s ACL: Administrators and SYSTEM. */
const trustedSids = ['S-1-5-18', 'S-1-5-32-544'];

const publicLine = (pem: string): string => {
  const key = ssh2.utils.parseKey(pem);
  if (key instanceof Error) throw key;
  return `${key.type} ${key.getPublicSSH().toString('base64')} system@host`;
};

/** A Windows 10 host. Nothing listens until a script has installed OpenSSH, started it and opened the firewall. */
export async function createWindowsHost(world: World, spec: Spec): Promise<WindowsHost> {
  const all = (world.state['windowsHosts'] ??= {}) as Record<string, HostState>;
  const state = (all[spec.address] ??= {
    ...spec,
    files: {},
    hostKeys: { rsa: await newRsaKey(2048) },
    sshd: { installed: false, running: false },
  });
  const client = new LunaClient(world, state);
  const doors = new Doors(world.network, state.address);
  const hostKeyLine = publicLine(state.hostKeys.rsa);
  const server = await serveSsh({ hostKeys: [state.hostKeys.rsa] }, (connection) => serve(world, client, connection, hostKeyLine));
  doors.open(22, server.port, () => reachable(world, state));
  return {
    address: state.address,
    ports: doors.ports,
    attach: (address) => doors.attach(address),
    async stop() {
      doors.close();
      await server.stop();
    },
    async runScript(script, parameters, say) {
      const entry = world.requestLog.arrive({ system: 'windows', connection: 'agent', operation: 'windows:run-script', target: state.address });
      const fault = await world.faults.strike(entry.operation);
      if (fault?.kind === 'lie') {
        settle(entry, 'lied');
        return { exitCode: 0, output: '', error: '' };
      }
      if (fault?.kind === 'never') {
        say?.(fault.message ?? '');
        return new Promise(() => {});
      }
      if (fault?.kind === 'fail') {
        settle(entry, 'failed');
        return { exitCode: 1, output: '', error: fault.message ?? 'The script failed.' };
      }
      const ran = await runScript(client, script, parameters, hostKeyLine);
      settle(entry, ran.exitCode === 0 ? 'done' : 'failed');
      return ran;
    },
  };
}

/** A cloud’s network is a public one to Windows, and OpenSSH’s own rule is for private ones (docs/reference/luna.md#openssh-firewall). */
function reachable({ variants }: World, { sshd }: HostState): boolean {
  const profiles = (sshd.firewallProfile ?? '').toLowerCase().split(',');
  return sshd.running && (profiles.includes('any') || profiles.includes((variants['windows.network'] ?? 'Public').toLowerCase()));
}

function serve(world: World, client: LunaClient, connection: Connection, hostKeyLine: string): void {
  const { state, files } = client;
  const id = randomUUID().slice(0, 8);
  const arrive = (operation: string, target = state.address): Entry => world.requestLog.arrive({ system: 'windows', connection: id, operation, target });
  const hangUp = () => connection.end();
  const forwarded = new Set<Socket>();
  // Each session has an sshd of its own, which holds what is forwarded for it. Nothing that it has not passed on yet outlives it.
  const sshd = client.processes.start('sshd.exe', '"C:\\Windows\\System32\\OpenSSH\\sshd.exe" -z', () => {
    for (const socket of forwarded) socket.resetAndDestroy();
    connection.end();
  });
  connection.on('close', () => client.processes.ended(sshd));
  connection.on('authentication', (context) => authenticate(client, context, () => arrive('windows:sign-in')));
  connection.on('ready', () => {
    connection.on('session', (accept) => {
      const session = accept();
      session.on('pty', (acceptPty) => acceptPty?.());
      session.on('exec', async (acceptExec, _, { command }) => {
        const channel = acceptExec();
        const entry = arrive('windows:exec');
        const fault = await world.faults.strike(entry.operation);
        if (fault?.kind === 'reset' || fault?.kind === 'reset-after-accept') hangUp();
        if (fault?.kind === 'reset') return settle(entry, 'cut');
        const { output, exitCode } = await execute(client, command, { connection: id, hangUp }, hostKeyLine);
        settle(entry, exitCode === 0 ? 'done' : 'failed');
        if (!channel.writable) return;
        channel.write(output.replaceAll(/\r?\n/g, '\r\n'));
        channel.exit(exitCode);
        channel.end();
      });
      session.on('sftp', (acceptSftp) =>
        serveSftp(
          acceptSftp(),
          files,
          `/C:/Users/${state.adminUser}`,
          async (what, path) => {
            const entry = arrive(`windows:sftp ${what}`, path);
            const fault = await world.faults.strike(entry.operation);
            const isCut = fault?.kind === 'reset';
            if (isCut) hangUp();
            settle(entry, isCut ? 'cut' : 'done');
            return !isCut;
          },
          () => world.changed(),
        ),
      );
    });
    connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
      const endpoint = world.network.resolve(destIP, destPort);
      settle(arrive('windows:forward', `${destIP}:${destPort}`), endpoint ? 'done' : 'refused');
      if (!endpoint) return void reject();
      const socket = connect(endpoint, () => {
        socket.setNoDelay(true);
        const held = { address: destIP, port: destPort, localPort: socket.localPort ?? 0 };
        sshd.connections.add(held);
        forwarded.add(socket);
        socket.on('close', () => {
          sshd.connections.delete(held);
          forwarded.delete(socket);
        });
        const channel = accept();
        channel.pipe(socket).pipe(channel);
        channel.on('close', () => socket.destroy()).on('error', () => socket.destroy());
        socket.on('close', () => channel.end());
      });
      socket.on('error', () => {});
    });
  });
}

function authenticate({ state, files }: LunaClient, context: AuthContext, arrive: () => Entry): void {
  const allowsPassword = !/^PasswordAuthentication no/m.test(files.text('C:\\ProgramData\\ssh\\sshd_config') ?? '');
  const methods = ['publickey', ...(allowsPassword ? ['password'] : [])] as never;
  const known = context.username.toLowerCase() === state.adminUser.toLowerCase();
  if (context.method === 'publickey' && known && keyFits(context.key, files.text(keysFile), files.acl(keysFile)) && signatureFits(context)) {
    if (context.signature) settle(arrive(), 'done');
    context.accept();
    return;
  }
  if (context.method === 'password' && known && allowsPassword && context.password === state.adminPassword) {
    settle(arrive(), 'done');
    context.accept();
    return;
  }
  if (context.method !== 'none') settle(arrive(), 'refused');
  context.reject(methods);
}

function keyFits(key: { algo: string; data: Buffer }, authorized: string | undefined, acl: string[] | undefined): boolean {
  if (!authorized || !acl || acl.some((name) => !trustedSids.includes(name))) return false;
  return authorized.split('\n').some((line) => line.split(' ')[1] === key.data.toString('base64'));
}

/** Without a signature the client only asks whether the key would do. */
function signatureFits(context: Extract<AuthContext, { method: 'publickey' }>): boolean {
  if (!context.signature) return true;
  const key = ssh2.utils.parseKey(`${context.key.algo.replace(/^rsa-sha2-\d+$/, 'ssh-rsa')} ${context.key.data.toString('base64')}`);
  return !(key instanceof Error) && key.verify(context.blob!, context.signature, context.hashAlgo) === true;
}
