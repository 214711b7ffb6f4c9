import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { StepFailure, wordsOf } from '../../../domain/failure.ts';
import { listenLocally } from '../../../simulator/machine.ts';
import { NoPermit, runWithFence } from '../../../systems/fence.ts';
import { Rcp } from '../../../systems/scp/rcp.ts';
import { fetchFile, putFile } from '../../../systems/scp/scp.ts';
import { SshConnection } from '../../../systems/ssh/connection.ts';
import { MemoryFence, openFence } from '../../support/fence.ts';
import { openssh } from '../../support/openssh.ts';

/** The other side, played: each time so many bytes have come it says the next thing. Its bytes come one by one where it is told so. */
class Played extends EventEmitter {
  readonly stderr = new EventEmitter();
  readonly heard: Buffer[] = [];
  ended = false;
  readonly #lines: [after: number, say: string | Buffer | 'close' | { exit: number; complaint: string }][];

  constructor(lines: [number, string | Buffer | 'close' | { exit: number; complaint: string }][]) {
    super();
    this.#lines = lines;
    setImmediate(() => this.#speak());
  }

  get received(): Buffer {
    return Buffer.concat(this.heard);
  }

  write(data: Buffer | string): void {
    this.heard.push(Buffer.from(data));
    setImmediate(() => this.#speak());
  }

  end(): void {
    this.ended = true;
  }

  #speak(): void {
    while (this.#lines.length > 0 && this.received.length >= this.#lines[0]![0]) {
      const [, say] = this.#lines.shift()!;
      if (say === 'close') this.emit('close');
      else if (typeof say === 'object' && 'exit' in say) {
        this.stderr.emit('data', Buffer.from(say.complaint));
        this.emit('exit', say.exit);
        this.emit('close');
      } else for (const byte of Buffer.from(say)) this.emit('data', Buffer.of(byte));
    }
  }
}

type Lines = ConstructorParameters<typeof Played>[0];
const receive = (lines: Lines, patienceMs?: number) => {
  const remote = new Played(lines);
  return { remote, received: new Rcp(remote, openFence, 'fetching', patienceMs).receive('server.pem') };
};
const send = (lines: Lines, content = 'abc') => {
  const remote = new Played(lines);
  return { remote, sent: new Rcp(remote, openFence, 'putting').send('client.pem', Buffer.from(content)) };
};
const failure = (kind: string, seen: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StepFailure, String(error));
  assert.equal(error.problem.kind, kind);
  assert.match(wordsOf(error.problem), seen);
  return true;
};

describe('scp, taking a file', () => {
  it('acknowledges each part, and times, which come with -p', async () => {
    const { remote, received } = receive([
      [1, 'T1700000000 0 1700000000 0\n'],
      [2, 'C0644 5 server.pem\n'],
      [3, 'hello\0'],
    ]);
    assert.equal(String(await received), 'hello');
    assert.deepEqual([remote.received, remote.ended], [Buffer.alloc(4), true]);
  });

  for (const [what, lines, kind, seen] of [
    [
      'there is no such file',
      [[1, '\x01scp: server.pem: No such file or directory\n']],
      'Refused',
      /the other side refused it\. scp said: "server.pem: No such file/,
    ],
    ['it gives up', [[1, '\x02scp: protocol error\n']], 'Refused', /scp said: "protocol error/],
    [
      'reading fails in the middle',
      [
        [1, 'C0600 3 server.pem\n'],
        [2, 'abc\x01scp: server.pem: Input/output error\n'],
      ],
      'Refused',
      /Input\/output/,
    ],
    [
      'it sends more than it announced',
      [
        [1, 'C0600 3 server.pem\n'],
        [2, 'abcdef\0'],
      ],
      'Refused',
      /more than it announced/,
    ],
    [
      'it sends less and closes',
      [
        [1, 'C0600 30 server.pem\n'],
        [2, 'abc\0'],
        [2, 'close'],
      ],
      'Transient',
      /ended early/,
    ],
    ['it sends another file', [[1, 'C0644 3 .ssh\n']], 'Refused', /“.ssh”, which was not asked for/],
    ['it sends a path', [[1, 'C0644 3 ../server.pem\n']], 'Refused', /not asked for/],
    ['it sends a folder', [[1, 'D0755 0 server.pem\n']], 'Refused', /does not speak scp/],
    ['it sends something huge', [[1, 'C0644 99999999999 server.pem\n']], 'Refused', /more than 16777216/],
    ['its size is no number', [[1, 'C0644 -3 server.pem\n']], 'Refused', /does not speak scp/],
    ['a shell greets', [[1, 'Welcome to \x1b[1mhsm\n']], 'Refused', /does not speak scp\. scp said: "Welcome to \?\[1mhsm/],
    ['a line never ends', [[1, `C${'0'.repeat(5000)}`]], 'Refused', /a line has no end/],
    ['it closes at once', [[1, 'close']], 'Transient', /ended early/],
    ['the program is not there', [[1, { exit: 127, complaint: 'scp: command not found\n' }]], 'Refused', /command not found/],
  ] as [string, Lines, string, RegExp][])
    it(`fails where ${what}`, async () => {
      const { remote, received } = receive(lines);
      await assert.rejects(received, failure(kind, seen));
      assert.ok(remote.ended);
    });

  it('does not wait for ever', () => assert.rejects(receive([[1, 'C0644 5 server.pem\n']], 20).received, failure('Transient', /no answer/)));
});

describe('scp, giving a file', () => {
  it('is over when all of it is acknowledged', async () => {
    const header = 'C0644 3 client.pem\n';
    const { remote, sent } = send([
      [0, '\0'],
      [header.length, '\0'],
      [header.length + 4, '\0'],
    ]);
    await sent;
    assert.deepEqual([String(remote.received), remote.ended], [`${header}abc\0`, true]);
  });

  for (const [what, lines, kind, seen] of [
    [
      'there is no room',
      [
        [0, '\0'],
        [19, '\0'],
        [23, '\x01scp: client.pem: No space left on device\n'],
      ],
      'Refused',
      /No space left/,
    ],
    [
      'the name is taken by a folder',
      [
        [0, '\0'],
        [19, '\x01scp: client.pem: Is a directory\n'],
      ],
      'Refused',
      /Is a directory/,
    ],
    [
      'the acknowledgement is none',
      [
        [0, '\0'],
        [19, 'x'],
      ],
      'Refused',
      /acknowledgement is none/,
    ],
    [
      'it closes before the end',
      [
        [0, '\0'],
        [19, '\0'],
        [23, 'close'],
      ],
      'Transient',
      /ended early/,
    ],
    ['it refuses at once', [[0, { exit: 1, complaint: 'You must change your password first.\n' }]], 'Refused', /change your password/],
  ] as [string, Lines, string, RegExp][])
    it(`fails where ${what}`, async () => {
      const { remote, sent } = send(lines);
      await assert.rejects(sent, failure(kind, seen));
      assert.ok(remote.ended);
    });
});

describe('scp without a permit', () => {
  for (const [what, permits, sent] of [
    ['sends nothing', 0, ''],
    ['sends the header alone where the second one is refused', 1, 'C0644 3 client.pem\n'],
  ] as const)
    it(what, async () => {
      const remote = new Played([
        [0, '\0'],
        [19, '\0'],
        [23, '\0'],
      ]);
      const fence = new MemoryFence((asked) => asked > permits);
      await assert.rejects(new Rcp(remote, fence, 'putting').send('client.pem', Buffer.from('abc')), NoPermit);
      assert.deepEqual([String(remote.received), remote.ended], [sent, true]);
    });
});

describe('A name for scp', () => {
  for (const name of ['x; rm -rf .', '$(id).pem', '-rf', '../server.pem', 'a/b', 'a b', '`id`', '', '.', 'a\nb', '"x"', 'x\0', 'ä.pem', 'a'.repeat(129)])
    it(`is refused before anything is sent: ${JSON.stringify(name)}`, async () => {
      const connection = { channel: () => assert.fail('it was sent') } as unknown as SshConnection;
      await assert.rejects(fetchFile(connection, name), failure('Refused', /more than a name/));
      await assert.rejects(putFile(connection, name, 'x'), failure('Refused', /more than a name/));
    });
});

const present = openssh();

describe('OpenSSH’s own scp on the other side', function () {
  this.timeout(30_000);
  if ('missing' in present) return void it('is not on this machine, which is said', () => assert.match(present.missing, /openssh-client/));
  const folder = mkdtempSync(join(tmpdir(), 'hsm-scp-'));
  let server: ssh2.Server;
  let connection: SshConnection;

  /** An SSH server that runs what it is told in that folder, as sshd does. */
  before(async () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
    });
    server = new ssh2.Server({ hostKeys: [privateKey] }, (client) => {
      client.on('authentication', (context) => context.accept()).on('error', () => {});
      client.on('ready', () =>
        client.on('session', (accept) =>
          accept().on('exec', (acceptExec, _, { command }) => {
            const channel = acceptExec();
            const child = spawn('/bin/sh', ['-c', command], { cwd: folder });
            channel.pipe(child.stdin);
            child.stdout.pipe(channel, { end: false });
            child.stderr.pipe(channel.stderr, { end: false });
            child.stdin.on('error', () => {});
            child.once('close', (code) => {
              channel.exit(code ?? 1);
              channel.end();
            });
          }),
        ),
      );
    });
    const port = await listenLocally(server as never);
    const socket = connect(port, '127.0.0.1');
    const target = { name: 'OpenSSH', socket, username: 'tenantadmin', password: 'x' };
    connection = await runWithFence(openFence, () => SshConnection.open(target, new AbortController().signal));
  });
  after(async () => {
    connection?.end();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    rmSync(folder, { recursive: true });
  });

  const megabyte = randomBytes(2 ** 19).toString('hex');
  for (const [what, content] of [
    ['nothing in it', ''],
    ['one line', 'one line\n'],
    ['a megabyte', megabyte],
    ['letters of several bytes', 'Größe €\n'.repeat(1_000)],
  ] as const)
    it(`takes and gives a file with ${what}`, async () => {
      await putFile(connection, 'there.pem', content);
      assert.ok(readFileSync(join(folder, 'there.pem'), 'utf8') === content);
      assert.equal(statSync(join(folder, 'there.pem')).mode & 0o777 & ~0o022, 0o644);
      assert.ok((await fetchFile(connection, 'there.pem')) === content);
    });

  it('refuses in its own words', async () => {
    await assert.rejects(fetchFile(connection, 'nowhere.pem'), failure('Refused', /nowhere\.pem: No such file or directory/));
    mkdirSync(join(folder, 'folder.pem', 'folder.pem'), { recursive: true });
    await assert.rejects(fetchFile(connection, 'folder.pem'), failure('Refused', /not a regular file/));
    await assert.rejects(putFile(connection, 'folder.pem', 'x'), failure('Refused', /Is a directory|exists/i));
  });

  it('says so where it is missing', () => {
    const { missing } = openssh('/nowhere') as { missing: string };
    assert.match(missing, /openssh-client/);
  });
});
