import { randomUUID } from 'node:crypto';
import ssh2, { type AuthContext } from 'ssh2';
import { settle } from '../request-log.ts';
import { type SshServer, serveSsh } from '../ssh-server.ts';
import type { World } from '../world.ts';
import type { ManagerState } from './state.ts';

const passwordFile = '/var/keysecure/password/out';

/** SSH for `ksadmin`, with its key alone: what a person needs to read a generated first password. */
export const serveKsadmin = (world: World, state: ManagerState): Promise<SshServer> =>
  serveSsh({ hostKeys: [state.ssh.hostKeyPem] }, (connection) => {
    const id = randomUUID().slice(0, 8);
    connection.on('authentication', (context) => authenticate(state, context));
    connection.on('session', (accept) => {
      const session = accept();
      session.on('pty', (acceptPty) => acceptPty?.());
      session.on('exec', (acceptExec, _, { command }) => {
        const entry = world.requestLog.arrive({ system: 'ciphertrust', connection: id, operation: 'ciphertrust:ssh', target: state.address });
        const channel = acceptExec();
        void world.faults.strike('ciphertrust:ssh').then((fault) => {
          if (fault?.kind === 'reset') {
            settle(entry, 'refused', 'the connection was cut');
            return connection.end();
          }
          const { output, code } = run(state, command);
          settle(entry, code === 0 ? 'done' : 'refused', command);
          channel.write(output);
          channel.exit(code);
          channel.end();
        });
      });
    });
  });

function authenticate(state: ManagerState, context: AuthContext): void {
  if (context.method === 'publickey' && isOurs(state, context)) context.accept();
  else context.reject(['publickey']);
}

function isOurs({ ssh: { user, keys } }: ManagerState, context: Extract<AuthContext, { method: 'publickey' }>): boolean {
  const blob = context.key.data.toString('base64');
  return context.username === 'ksadmin' && user === 'ksadmin' && keys.some((line) => line.split(' ')[1] === blob) && signatureFits(context);
}

/** Without a signature the client only asks whether the key would do. */
function signatureFits(context: Extract<AuthContext, { method: 'publickey' }>): boolean {
  if (!context.signature) return true;
  const key = ssh2.utils.parseKey(`${context.key.algo.replace(/^rsa-sha2.*$/, 'ssh-rsa')} ${context.key.data.toString('base64')}`);
  return !(key instanceof Error) && key.verify(context.blob!, context.signature, context.hashAlgo) === true;
}

function run({ generatedPassword }: ManagerState, command: string): { output: string; code: number } {
  const [, path] = /^\s*(?:sudo\s+)?cat\s+(\S+)\s*$/.exec(command) ?? [];
  if (!path) return { output: `-bash: ${command}: command not found\n`, code: 127 };
  if (path !== passwordFile || !generatedPassword) return { output: `cat: ${path}: No such file or directory\n`, code: 1 };
  return { output: `${generatedPassword}\n`, code: 0 };
}
