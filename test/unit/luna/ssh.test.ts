import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import ssh2, { type AuthContext, type KeyboardAuthContext } from 'ssh2';
import { StepFailure, wordsOf } from '../../../domain/failure.ts';
import { listenLocally } from '../../../simulator/machine.ts';
import { type Fence, runWithFence } from '../../../systems/fence.ts';
import { LunashSession } from '../../../systems/lunash/session.ts';
import { Transcript } from '../../../systems/lunash/transcript.ts';
import { PasswordChangeWanted, SignInRefused, SshConnection, type SshTarget, usualSilence } from '../../../systems/ssh/connection.ts';
import { KeyedMutex } from '../../../systems/ssh/keyed-mutex.ts';
import { openFence } from '../../support/fence.ts';
import { until } from '../../support/until.ts';

const hostKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
}).privateKey;
const never = new AbortController().signal;
const password = 'Kept-Password.1';

const kind =
  (wanted: string, seen = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof StepFailure, String(error));
    assert.equal(error.problem.kind, wanted);
    assert.match(wordsOf(error.problem), seen);
    assert.ok(!error.message.includes(password));
    return true;
  };

describe('An SSH connection', function () {
  this.timeout(30_000);
  let server: Server | ssh2.Server;
  let sockets: Socket[];
  beforeEach(() => {
    sockets = [];
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  /** A server that judges sign-ins as the test wants, and the way to it. */
  async function serve(judge: (context: AuthContext) => void, ready?: (client: ssh2.Connection) => void): Promise<number> {
    server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
      client.on('authentication', judge).on('error', () => {});
      client.on('ready', () => ready?.(client));
    });
    return listenLocally(server as never);
  }

  const open = (port: number, more: Partial<SshTarget> = {}, signal = never, fence: Fence = openFence) => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    return runWithFence(fence, () => SshConnection.open({ name: 'the HSM', socket, username: 'tenantadmin', password, ...more }, signal));
  };

  /** Rounds of questions; what was answered is kept. The sign-in is good when all were answered. */
  function questions(rounds: string[][], answered: string[][]) {
    return (context: AuthContext) => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
      const ask = (round: number): void => {
        if (round === rounds.length) context.accept();
        else
          (context as KeyboardAuthContext).prompt(
            rounds[round]!.map((prompt) => ({ prompt, echo: false })),
            (answers) => {
              answered.push(answers);
              ask(round + 1);
            },
          );
      };
      ask(0);
    };
  }

  for (const [what, rounds, newPassword, expected] of [
    ['one question', [['Password: ']], undefined, [[password]]],
    ['a note without a question first', [[], ['(tenantadmin@hsm) Password: ']], undefined, [[], [password]]],
    [
      'a change in rounds of their own',
      [['Password:'], ['Current password:'], ['New password:'], ['Retype new password:']],
      'Next.2',
      [[password], [password], ['Next.2'], ['Next.2']],
    ],
    [
      'a change in one round',
      [['Password:'], ['(current) UNIX password:', 'Enter new password:', 'Re-enter new password:']],
      'Next.2',
      [[password], [password, 'Next.2', 'Next.2']],
    ],
  ] as [string, string[][], string | undefined, string[][]][])
    it(`answers ${what}, each by what it means`, async () => {
      const answered: string[][] = [];
      const connection = await open(await serve(questions(rounds, answered)), newPassword === undefined ? {} : { newPassword });
      connection.end();
      assert.deepEqual(answered, expected);
    });

  it('gives the present password to no question for a new one', async () => {
    const answered: string[][] = [];
    await assert.rejects(open(await serve(questions([['Password:'], ['New password:', 'Retype new password:']], answered))), PasswordChangeWanted);
    assert.deepEqual(answered, [[password]]);
  });

  it('answers nothing to what is no password', async () => {
    const answered: string[][] = [];
    await assert.rejects(open(await serve(questions([['Password:'], ['One-time code: ']], answered))), kind('Unsafe', /One-time code/));
    assert.deepEqual(answered, [[password]]);
  });

  it('does not give a password a second time: the first was wrong', async () => {
    const answered: string[][] = [];
    await assert.rejects(open(await serve(questions([['Password:'], ['Password:']], answered))), SignInRefused);
    assert.deepEqual(answered, [[password]]);
  });

  it('says that a new password was not taken', async () => {
    const answered: string[][] = [];
    const rounds = [['Password:'], ['New password:', 'Retype new password:'], ['New password:']];
    await assert.rejects(open(await serve(questions(rounds, answered)), { newPassword: 'Next.2' }), kind('Refused', /not taken/));
  });

  describe('tells right before it sends the password', () => {
    const told: string[] = [];
    const beforePassword = async () => void told.push('the password is sent');
    beforeEach(() => void told.splice(0));
    const byPassword = (context: AuthContext) => {
      if (context.method === 'none') return context.reject(['password']);
      told.push(`${context.method} arrives`);
      context.accept();
    };
    const byQuestions = (context: AuthContext) => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
      // A note without a question comes first.
      const ask = (prompts: string[], then: (answers: string[]) => void) =>
        (context as KeyboardAuthContext).prompt(
          prompts.map((prompt) => ({ prompt, echo: false })),
          then,
        );
      ask([], () => {
        told.push('the note was read');
        ask(['Password: '], () => {
          told.push('the answer arrives');
          ask(['(current) UNIX password: '], () => context.accept());
        });
      });
    };

    it('once, by either method', async () => {
      (await open(await serve(byPassword), { beforePassword })).end();
      assert.deepEqual(told.splice(0), ['the password is sent', 'password arrives']);
      await new Promise<void>((resolve) => server.close(() => resolve()));
      (await open(await serve(byQuestions), { beforePassword })).end();
      assert.deepEqual(told, ['the note was read', 'the password is sent', 'the answer arrives']);
    });

    it('and not where the connection is lost before', async () => {
      const port = await serve(({ method }) => {
        told.push(method);
        for (const socket of sockets) socket.destroy();
      });
      await assert.rejects(open(port, { beforePassword, beforeSignIn: async () => void told.push('the host key is known') }), kind('Transient'));
      assert.deepEqual(told, ['the host key is known', 'none']);
    });

    it('and sends none where that objects', async () => {
      for (const judge of [byPassword, byQuestions]) {
        const port = await serve(judge);
        await assert.rejects(open(port, { beforePassword: () => Promise.reject(new Error('the record cannot be written')) }), /the record cannot be written/);
        assert.ok(!told.some((what) => / arrives$/.test(what)), `${told}`);
        if (judge === byPassword) await new Promise<void>((resolve) => server.close(() => resolve()));
      }
    });
  });

  it('is refused where no method fits', async () => assert.rejects(open(await serve((context) => context.reject(['publickey']))), SignInRefused));

  it('is noticed within 30 seconds when it is dead: a session on a silent socket ends', async () => {
    assert.ok((usualSilence.times + 1) * usualSilence.everyMs <= 30_000 && usualSilence.signInMs <= 30_000);
    const port = await serve(
      (context) => context.accept(),
      (client) =>
        client.on('session', (accept) =>
          accept()
            .on('pty', (acceptPty) => acceptPty?.())
            .on('shell', (acceptShell) => void acceptShell().write('lunash:>')),
        ),
    );
    const wire = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      sockets.push(near, far);
      near.pipe(far).pipe(near);
      wire.once('silence', () => {
        near.unpipe(far);
        far.unpipe(near);
        for (const socket of [near, far]) socket.resume();
      });
    });
    try {
      const connection = await open(await listenLocally(wire), { silence: { everyMs: 400, times: 2, signInMs: 10_000, endMs: 5_000 } });
      const session = await connection.shell((channel) => new LunashSession(channel, connection, new Transcript()));
      await session.start();
      const shown = session.read('hsm show');
      wire.emit('silence');
      await assert.rejects(shown, kind('Transient', /closed/));
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => wire.close(() => resolve()));
    }
  });

  it('is over soon after it was ended, though the other side never closes: whoever waits for it has a turn', async () => {
    const port = await serve((context) => context.accept());
    const wire = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect(port, '127.0.0.1');
      sockets.push(near, far);
      near.on('error', () => {}).pipe(far, { end: false });
      far.on('error', () => {}).pipe(near, { end: false });
    });
    try {
      const connection = await open(await listenLocally(wire), { silence: { everyMs: 60_000, times: 2, signInMs: 10_000, endMs: 50 } });
      let isClosed = false;
      connection.onceClosed(() => {
        isClosed = true;
      });
      connection.end();
      await until('the connection to be over', async () => isClosed || undefined, { timeoutMs: 5_000 });
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => wire.close(() => resolve()));
    }
  });

  it('gives up a sign-in that nobody answers', async () => {
    const silent = createServer((socket) => void sockets.push(socket));
    server = silent;
    await assert.rejects(open(await listenLocally(silent), { silence: { everyMs: 20, times: 2, signInMs: 30, endMs: 5_000 } }), kind('Transient', /Timed out/));
  });

  it('ends with the signal of its attempt, before, while and after signing in', async () => {
    const port = await serve((context) => void (context.username === 'slow' || context.accept()));
    const reason = new Error('cut');
    await assert.rejects(open(port, {}, AbortSignal.abort(reason)), reason);
    const while_ = new AbortController();
    const signingIn = open(port, { username: 'slow' }, while_.signal);
    while_.abort(reason);
    await assert.rejects(signingIn, reason);
    const after = new AbortController();
    const connection = await open(port, {}, after.signal);
    const closed = new Promise<void>((resolve) => connection.onceClosed(resolve));
    after.abort(reason);
    await closed;
    await assert.rejects(connection.exec('hsm show'));
  });
});

describe('KeyedMutex', () => {
  it('come one after the other, by name, and whoever gives up waiting holds up nobody', async () => {
    const mutex = new KeyedMutex();
    const order: string[] = [];
    const first = await mutex.acquire('hsm', never);
    const impatient = new AbortController();
    const second = mutex.acquire('hsm', impatient.signal);
    const third = mutex.acquire('hsm', never).then((over) => {
      order.push('third');
      over();
    });
    (await mutex.acquire('another', never))();
    impatient.abort(new Error('no time'));
    await assert.rejects(second, /no time/);
    order.push('first is over');
    first();
    await third;
    assert.deepEqual(order, ['first is over', 'third']);
    (await mutex.acquire('hsm', never))();
    await assert.rejects(mutex.acquire('hsm', AbortSignal.abort(new Error('too late'))), /too late/);
  });
});
