import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { connect, type Server, type Socket } from 'node:net';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import ssh2 from 'ssh2';
import { converge, done } from '../../../activities/converge.ts';
import { unsafe } from '../../../domain/failure.ts';
import { finishing, suppressedBy } from '../../../domain/first-error.ts';
import { listenLocally } from '../../../simulator/machine.ts';
import { createRecords } from '../../../stores/record/record.ts';
import { Luna } from '../../../systems/lunash/luna.ts';
import { exampleRequest } from '../../support/example.ts';
import { runStep } from '../../support/fence.ts';
import { memoryNumberedStore } from '../../support/numbered-store.ts';

const hostKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
}).privateKey;
const diskFull = () => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28, syscall: 'write' });
const loginRefused = () =>
  unsafe({ code: 'HSM_SO_PASSWORD_REFUSED', tried: 'hsm login', summary: 'the password is refused', remedy: 'Compare the kept SO password.' });

describe('The first error', () => {
  it('is thrown where what must follow fails, too, and remembers that one for the log', async () => {
    const [first, later] = [new Error('first'), new Error('later')];
    await assert.rejects(
      finishing(
        () => Promise.reject(first),
        () => Promise.reject(later),
      ),
      (error) => error === first,
    );
    assert.deepEqual(suppressedBy(first), [later]);
  });

  it('is that of what must follow where the work succeeded', async () => {
    const later = new Error('later');
    await assert.rejects(
      finishing(
        async () => 1,
        () => Promise.reject(later),
      ),
      (error) => error === later,
    );
  });
});

describe('A disk that is full while a sign-in is refused', function () {
  this.timeout(30_000);
  let server: ssh2.Server;
  let port: number;
  const sockets: Socket[] = [];
  const job = { target: 'target', runId: 'run-1', request: exampleRequest() };
  const hosts = { windows: { address: '10.0.0.4', pin: 'x' }, hsm: { address: '172.22.1.4', pin: '' } };

  before(async () => {
    server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
      client.on('error', () => {}).on('authentication', (context) => context.accept());
      client.on('session', (accept) => {
        const session = accept();
        session.on('pty', (acceptPty) => acceptPty?.());
        session.on('shell', (acceptShell) => void acceptShell().write('lunash:>'));
      });
    });
    port = await listenLocally(server as unknown as Server);
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  const luna = () =>
    new Luna({
      settings: { lunaVia: 'direct' },
      outbound: {
        socket: async () => {
          const socket = connect(port, '127.0.0.1');
          sockets.push(socket);
          return socket;
        },
      },
      secrets: { get: async () => 'Kept-Password.1' },
      windows: {
        open: async () => ({
          list: async () => [],
          read: async () => undefined,
          write: async () => {},
          exec: async () => ({ output: 'lunacm:> slot list', code: 0 }),
          remove: async () => true,
          end: () => {},
        }),
      },
      transcripts: {
        append: async () => {
          throw diskFull();
        },
      },
      records: createRecords(memoryNumberedStore()),
    } as unknown as ConstructorParameters<typeof Luna>[0]);
  const { signal } = new AbortController();

  for (const [where, attempt] of [
    ['in LunaSH', () => luna().shell({ ...job, ...hosts }, { step: 'fips-mode', order: '1', number: 1, signal }, () => Promise.reject(loginRefused()))],
    [
      'in lunacm',
      () =>
        luna().client({ ...job, ...hosts }, { step: 'crypto-officer', order: '1', number: 1, signal }, async (client) => {
          await client.run(['slot list']);
          throw loginRefused();
        }),
    ],
  ] as const)
    it(`stays a refused sign-in ${where}, for a person and never repeated by itself`, async () => {
      const entries: LogEntry[] = [];
      const environment = new MockActivityEnvironment(
        { startToCloseTimeoutMs: 60_000 },
        { logger: new DefaultLogger('WARN', (entry) => void entries.push(entry)) },
      );
      const step = converge<typeof job & { order?: number }, unknown, object, never>({ observe: attempt, decide: () => done({}), act: {} });
      await assert.rejects(runStep(environment, step, job), { type: 'Unsafe', nonRetryable: true, message: /hsm login: the password is refused/ });
      assert.match(JSON.stringify(entries.map(({ meta }) => meta)), /ENOSPC/);
    });
});
