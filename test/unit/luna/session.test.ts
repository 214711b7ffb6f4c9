import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { StepFailure, wordsOf } from '../../../domain/failure.ts';
import { type Answers, LunashSession, type Patience } from '../../../systems/lunash/session.ts';
import { Transcript } from '../../../systems/lunash/transcript.ts';
import { openFence } from '../../support/fence.ts';

const prompt = '[local_host] lunash:>';
const bad = 'Command Result : 65535 (Luna Shell execution)';

/** An appliance of a test’s own: each line that is typed gets the next answer. */
class Scripted extends EventEmitter {
  readonly typed: string[] = [];
  ended = false;
  readonly #answers: (string | undefined)[];

  constructor(first: string, ...answers: (string | undefined)[]) {
    super();
    this.#answers = answers;
    setImmediate(() => this.emit('data', Buffer.from(first)));
  }

  write(text: string): void {
    this.typed.push(text.replace(/\r$/, ''));
    const answer = this.#answers.shift();
    if (answer !== undefined) setImmediate(() => this.emit('data', Buffer.from(answer)));
  }

  end(): void {
    this.ended = true;
    this.emit('close');
  }
}

const open = (terminal: Scripted, patience: Partial<Patience> = { quietMs: 5 }) => {
  const transcript = new Transcript();
  return { session: new LunashSession(terminal, openFence, transcript, patience), transcript };
};

const failure = (kind: string, seen: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StepFailure, String(error));
  assert.deepEqual([error.problem.kind, seen.test(wordsOf(error.problem))], [kind, true], wordsOf(error.problem));
  return true;
};

describe('A question that LunaSH was never seen to ask', () => {
  for (const question of [
    'Please enter the password for the Auditor:\n> ',
    'Enter the challenge:\n  > ',
    'Are you sure? (y/n) ',
    'Remote PED password: ',
    'Which slot ->',
  ])
    it(`gets no answer, is interrupted, and quit is said only at the prompt: ${JSON.stringify(question)}`, async () => {
      const terminal = new Scripted(prompt, `hsm login\n${question}`, `^C\n${prompt}`, prompt);
      const { session } = open(terminal);
      await session.start();
      await assert.rejects(
        session.raw('hsm login', { password: 'So-Password.1', domain: 'd', proceed: true }),
        failure('Unsafe', /asks something unknown\. LunaSH said: ".*\S/),
      );
      assert.deepEqual(terminal.typed, ['hsm login', '\x03', 'quit']);
      assert.ok(!terminal.ended, 'the session is in step again');
    });

  it('is left with the quit that it offers', async () => {
    const terminal = new Scripted(prompt, "x\nThe moon is full.\nType 'howl' to go on or 'quit' to leave.\n> ", `\n${bad}\n${prompt}`);
    const { session } = open(terminal);
    await session.start();
    await assert.rejects(session.raw('x', { proceed: true }), failure('Unsafe', /howl/));
    assert.deepEqual(terminal.typed, ['x', 'quit']);
  });

  it('is not left with quit where that was offered earlier and a password is asked for now', async () => {
    const terminal = new Scripted(prompt, "x\nSay 'quit' to stop this at any time.\nPlease enter the password of the auditor:\n> ", `^C\n${prompt}`, prompt);
    const { session } = open(terminal);
    await session.start();
    await assert.rejects(session.raw('x', { password: 'So-Password.1' }), failure('Unsafe', /auditor/));
    assert.deepEqual(terminal.typed, ['x', '\x03', 'quit']);
  });

  it('ends the session where nothing brings the prompt back', async () => {
    const terminal = new Scripted(prompt, 'x\nPIN: ', undefined);
    const { session } = open(terminal);
    await session.start();
    await assert.rejects(session.raw('x'), failure('Unsafe', /PIN/));
    assert.deepEqual([terminal.typed, terminal.ended], [['x', '\x03'], true]);
  });

  it('is told with its last lines, without the secret that was typed before', async () => {
    const terminal = new Scripted(
      prompt,
      "hsm login\nPlease enter the HSM Administrators' password:\n> ",
      'echo of So-Password.1\nToken code? ',
      `^C\n${prompt}`,
      prompt,
    );
    const { session } = open(terminal);
    await session.start();
    await assert.rejects(session.raw('hsm login', { password: 'So-Password.1' }), (error: Error) => {
      assert.match(error.message, /echo of \*+ \/ Token code\?/);
      return !error.message.includes('So-Password');
    });
  });

  it('before the first prompt, a license for example, is Unsafe, too', async () => {
    const { session } = open(new Scripted('Do you accept the license? (yes/no) ', `\n${prompt}`, prompt));
    await assert.rejects(session.start(), failure('Unsafe', /license/));
  });

  it('that never ends its line is one, too, when the time for the command is up', async () => {
    const { session } = open(new Scripted(prompt, 'x\nWaiting for the key ceremony', `\n${prompt}`, prompt), { quietMs: 5, commandMs: 30 });
    await session.start();
    await assert.rejects(session.raw('x'), failure('Unsafe', /key ceremony/));
  });
});

describe('The echo of a command is no part of the question after it', () => {
  const secrets = { newPassword: 'So-Password.1', domain: 'CloningDomain2', proceed: true };
  const init = [
    'Please re-enter password to confirm:',
    'Please enter a cloning domain to use for initializing this HSM:',
    'Please re-enter cloning domain to confirm:',
  ];
  const labels = ['MyDomain', 'Proceed1', 'confirm-hsm', 'CryptoHSM', 'backup-hsm01', 'TokenHSM', 'audit-hsm', 'only-attempt', 'the-new-password', 'old-login'];
  const echoes: [how: string, of: (command: string) => string][] = [
    ['right before it', (command) => command],
    ['drawn twice', (command) => `${command}\r\n${prompt}${command}`],
    ['broken into lines', (command) => `${command.slice(0, 9)} \r${command.slice(9, 17)}\r\n${command.slice(17)}`],
    ['in front of a caution longer than what is remembered', (command) => `${command}\r\n${'x'.repeat(1_960)}`],
  ];
  for (const label of labels)
    for (const [how, of] of echoes)
      it(`${label}, ${how}`, async () => {
        const command = `hsm init -label ${label}`;
        const [again, domain, domainAgain] = init.map((question) => `********\r\n\r\n${question}\r\n> `);
        const terminal = new Scripted(
          prompt,
          `${of(command)}\r\n  Please enter a password for the HSM Administrator:\r\n  > `,
          again,
          domain,
          domainAgain,
          "********\r\nType 'proceed' to initialize the HSM, or 'quit'\r\nto quit now.\r\n> ",
          `proceed\r\n'hsm init' successful.\r\nCommand Result : 0 (Success)\r\n${prompt}`,
        );
        const { session } = open(terminal, { quietMs: 50 });
        await session.start();
        await session.change(command, secrets, 'hsm init');
        assert.deepEqual(terminal.typed, [command, secrets.newPassword, secrets.newPassword, secrets.domain, secrets.domain, 'proceed']);
      });
});

describe('The password that an SO has and the one that it will have', () => {
  const answered = async (command: string, question: string, answers: Answers) => {
    const terminal = new Scripted(prompt, `${command}\n${question}\n> `, `\nCommand Result : 0 (Success)\n${prompt}`, prompt);
    const { session } = open(terminal);
    await session.start();
    await session.raw(command, answers).catch((error: unknown) => assert.ok(error instanceof StepFailure && error.problem.kind === 'Unsafe'));
    return terminal.typed[1] !== '\x03';
  };
  const rows: [question: string, which: 'chosen' | 'there' | 'neither'][] = [
    ['Please enter a password for the HSM Administrator:', 'chosen'],
    ['Please enter a new password for the HSM SO:', 'chosen'],
    ['Enter new HSM Administrator password:', 'chosen'],
    ["Please enter the HSM Administrators' password:", 'there'],
    ['Please enter the current password before you choose a new password:', 'there'],
    ['Enter HSM Admin password:', 'there'],
    ['Please enter a password to log in as HSM Admin:', 'there'],
    ['Please enter a password for the auditor:', 'neither'],
  ];
  for (const [question, which] of rows)
    it(`are told apart, and one is never typed for the other: ${question}`, async () => {
      assert.equal(await answered('hsm init -label x', question, { newPassword: 'New-Password.1' }), which === 'chosen');
      assert.equal(await answered('hsm login', question, { password: 'So-Password.1' }), which === 'there');
    });
});

describe('A LunaSH session', () => {
  it('never types a password a second time at the same question: the first was wrong', async () => {
    const question = "Please enter the HSM Administrators' password:\n> ";
    const terminal = new Scripted(prompt, `hsm login\n${question}`, `Wrong.\n${question}`, `^C\n${prompt}`, prompt);
    const { session } = open(terminal);
    await session.start();
    await assert.rejects(session.raw('hsm login', { password: 'So-Password.1' }), failure('Unsafe', /Wrong/));
    assert.deepEqual(terminal.typed, ['hsm login', 'So-Password.1', '\x03', 'quit']);
  });

  it('says quit to proceed where that was not allowed', async () => {
    const terminal = new Scripted(prompt, "x\nType 'PROCEED' to erase all, or 'quit' to quit now.\n   > ", `quit\nError:  Cancelled.\n${bad}\n${prompt}`);
    const { session } = open(terminal);
    await session.start();
    await assert.rejects(session.change('x'), failure('Refused', /Cancelled/));
    assert.deepEqual(terminal.typed, ['x', 'quit']);
  });

  it('waits for the result of its command: a prompt that was drawn again is none', async () => {
    const terminal = new Scripted(prompt);
    const { session } = open(terminal, { quietMs: 60_000 });
    await session.start();
    const shown = session.read('hsm show');
    await turn();
    terminal.emit('data', Buffer.from(`\n${prompt}hsm show\n${prompt}`));
    terminal.emit('data', Buffer.from(`\nHSM Label: x\n\nCommand  Result:0 (Success)\n${prompt} `));
    assert.match(await shown, /HSM Label: x$/);
  });

  it('takes a command without a result for failed', async () => {
    const { session } = open(new Scripted(prompt, `hsm frobnicate\n'frobnicate' is not known.\n${prompt}`));
    await session.start();
    await assert.rejects(session.read('hsm frobnicate'), failure('Refused', /not known/));
  });

  it('wants result 0, no error and the success line, each of them', async () => {
    for (const output of [
      `'x y' successful.\n${bad}`,
      "Error:  'x y' failed.\n'x y' successful.\nCommand Result : 0 (Success)",
      'Command Result : 0 (Success)',
    ]) {
      const { session } = open(new Scripted(prompt, `x y\n${output}\n${prompt}`));
      await session.start();
      await assert.rejects(session.change('x y', {}, 'x y'), failure('Refused', /\S/));
    }
  });

  it('is transient when it is cut, whatever it was doing', async () => {
    const terminal = new Scripted(prompt);
    const { session } = open(terminal);
    await session.start();
    const running = session.raw('hsm init');
    terminal.end();
    await assert.rejects(running, failure('Transient', /closed/));
    const { session: silent } = open(new Scripted(prompt, 'x\n'), { commandMs: 10 });
    await silent.start();
    await assert.rejects(silent.raw('x'), failure('Transient', /no answer/));
  });

  it('takes no command that is more than one line', async () => {
    const { session } = open(new Scripted(prompt));
    await assert.rejects(session.raw('hsm show\rhsm init'), /one line/);
  });

  it('reads letters of several bytes that are cut in between, and through colors', async () => {
    const terminal = new Scripted(prompt);
    const { session } = open(terminal);
    await session.start();
    const shown = session.read('x');
    await turn();
    for (const byte of Buffer.from(`x\r\nHSM Label: Größe €\r\nCommand Result : 0 (Success)\r\n\x1b[?2004h\x1b[1m[host] lunash:>\x1b[0m `))
      terminal.emit('data', Buffer.from([byte]));
    assert.equal(await shown, 'HSM Label: Größe €');
  });

  describe('choosing the password', () => {
    const choose = async (...answers: (string | undefined)[]) => {
      const terminal = new Scripted(...(answers as [string]));
      const { session } = open(terminal);
      const done = session.choosePassword({ current: 'PASSWORD', next: 'New-Password.1' });
      await assert.rejects(done, StepFailure).catch(() => done);
      return { done, typed: terminal.typed };
    };

    it('gives the old one where it is asked for', async () => {
      const { done, typed } = await choose('(current) UNIX password: ', '\nNew password: ', '\nRetype new password: ', `\nok\n${prompt}`);
      await done;
      assert.deepEqual(typed, ['PASSWORD', 'New-Password.1', 'New-Password.1']);
    });

    it('is refused where the rules do, and nothing else is tried', async () => {
      const { done, typed } = await choose('New password: ', '\nBAD PASSWORD: it is too simplistic\nNew password: ', `^C\n${prompt}`, prompt);
      await assert.rejects(done, failure('Refused', /BAD PASSWORD/));
      assert.deepEqual(typed, ['New-Password.1', '\x03', 'quit']);
    });
  });
});

describe('A masked transcript', () => {
  const secret = fc.string({ unit: fc.constantFrom(...'abcXYZ0189-_=+.$*(?'), minLength: 7, maxLength: 40 });
  const noise = fc.string({ unit: fc.constantFrom(...' \nABzy>:*lunash.-'), maxLength: 30 });

  it('shows no secret, however its bytes are cut, wrapped by the terminal, repeated, or begun and not ended', () =>
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(noise, fc.nat(), fc.nat(), fc.constantFrom('\r\n', ' \r', '\n', '\x1b[K\r\n', '\b\n')), { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.boolean(),
        (secrets, pieces, cutAt, hiddenLate) => {
          const shown = pieces.map(([before, which, at, wrap]) => {
            const chosen = secrets[which % secrets.length]!;
            const place = at % (chosen.length + 1);
            return before + chosen.slice(0, place) + wrap + chosen.slice(place) + before + chosen;
          });
          const all = shown.join('');
          const text = all.slice(0, 1 + (cutAt % all.length));
          const transcript = new Transcript();
          if (!hiddenLate) for (const each of secrets) transcript.hide(each);
          for (const letter of text) transcript.add(letter);
          for (const each of secrets) transcript.hide(each);
          const bare = transcript.masked.replace(/\x1b\[K|[\r\n\b]| (?=\r)/g, '');
          for (const each of secrets) assert.ok(!bare.includes(each), each);
          const inPart = secrets.find((each) => text.endsWith(each.slice(0, -1)));
          if (inPart) assert.ok(!transcript.masked.endsWith(inPart.slice(0, -1)));
        },
      ),
      { numRuns: 2_000 },
    )).timeout(10_000);

  it('hides the longer of two secrets that begin alike', () => {
    const transcript = new Transcript();
    for (const each of ['opensesame', 'opensesame-and-more']) transcript.hide(each);
    transcript.add('opensesame-and-more');
    assert.equal(transcript.masked, '********');
  });

  it('keeps what is no secret', () => {
    const transcript = new Transcript();
    transcript.hide('So-Password.1');
    transcript.add('HSM Label:\n  So-Password 1\n');
    assert.equal(transcript.masked, 'HSM Label:\n  So-Password 1\n');
  });
});
