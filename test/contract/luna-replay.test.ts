import assert from 'node:assert/strict';
import { StepFailure, wordsOf } from '../../domain/failure.ts';
import type { Outcome } from '../../systems/lunash/reading.ts';
import { type Answers, LunashSession } from '../../systems/lunash/session.ts';
import { Transcript } from '../../systems/lunash/transcript.ts';
import { openFence } from '../support/fence.ts';
import { fixture, haveFixtures } from '../support/fixtures.ts';
import { type Manner, RecordedTerminal } from '../support/recorded-terminal.ts';

const secrets = { password: 'So-Password.1', newPassword: 'New-So-Password.1', domain: 'CloningDomain2' };
const all: Answers = { ...secrets, proceed: true };

type Expected = Partial<Pick<Outcome, 'result' | 'errors' | 'codes' | 'successes'>> & { text?: RegExp };
interface Recording {
  of: string;
  /** From the first prompt on. */
  text: () => string;
  commands: { command: string; answers?: Answers; told: Expected }[];
}

const from = (file: string, start: string | RegExp, end?: string | RegExp): string => {
  const text = fixture(`luna/${file}`);
  const begin = text.search(start instanceof RegExp ? start : new RegExp(escaped(start)));
  assert.ok(begin >= 0, `${start} in ${file}`);
  const rest = text.slice(begin);
  const length = end === undefined ? -1 : rest.search(end instanceof RegExp ? end : new RegExp(escaped(end)));
  return length < 0 ? rest : rest.slice(0, length);
};
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const prompt = '[local_host] lunash:>';
/** One section of the collection of old recordings, without its heading. */
const old = (heading: string, withPrompt = true) =>
  from('aws-cloudhsm-lunash-fixtures.txt', `--- ${heading}\n`)
    .split('\n---')[0]!
    .slice(heading.length + 5)
    .replace(/^(?!\[)/, withPrompt ? '' : prompt);

const good = { result: 0, errors: [], codes: [] };
const said = (...successes: string[]): Expected => ({ ...good, successes });
const notInList = [{ code: 'C000040A', symbol: 'RC_OBJECT_NOT_IN_LIST' }];

const recordings: Recording[] = [
  {
    of: 'client show, 5.x, with partitions',
    text: () => old('client show (client with partitions)'),
    commands: [{ command: 'client show -c client1', told: { ...good, text: /^ClientID: {5}client1\n[\s\S]*"clientPar3"$/ } }],
  },
  {
    of: 'client show, 5.x, of none',
    text: () => old('client show (unknown)'),
    commands: [
      {
        command: 'client show -c client3',
        told: { result: 65535, codes: notInList, errors: ["'client show' failed. (C000040A : RC_OBJECT_NOT_IN_LIST)", 'Specified client does not exist.'] },
      },
    ],
  },
  {
    of: 'client fingerprint, 5.x, of none: the errors in the other order',
    text: () => old('client fingerprint (unknown)'),
    commands: [
      {
        command: 'client fingerprint -c client2',
        told: {
          result: 65535,
          codes: notInList,
          errors: ['The client you specified does not exist.', "'client fingerprint' failed. (C000040A : RC_OBJECT_NOT_IN_LIST)"],
        },
      },
    ],
  },
  ...(
    [
      ['client show (no partitions)', 'client show -c client2', /<none>$/],
      ['client fingerprint', 'client fingerprint -c client1', /^Certificate fingerprint: D9:9E:/],
      ['client list', 'client list', /client name with spaces$/],
      ['client list (empty)', 'client list', /^No clients are registered\.$/],
      ['partition list', 'partition list', /testPar2 +2 +102701 +0 +102701$/],
      ['partition list (empty)', 'partition list', /^There are no partitions\.$/],
      ['user list', 'user list', /operator +operator +disabled +no$/],
      ['service status', 'service status syslog', /^syslog is running$/],
      ['hsm show zeroized (5.1)', 'hsm show', /HSM IS ZEROIZED !!!![\s\S]*2097152$/],
    ] as const
  ).map(([heading, command, text]) => ({ of: `${heading}, 5.x`, text: () => old(heading), commands: [{ command, told: { ...good, text } }] })),
  {
    of: 'sysconf regenCert, 5.x',
    text: () => `${prompt}sysconf regenCert\n${old('sysconf regenCert (expected text, as regex in the tool)').replace('(after typing proceed)', '> proceed')}`,
    commands: [{ command: 'sysconf regenCert', answers: all, told: said('sysconf regenCert') }],
  },
  {
    of: 'client delete, 5.x',
    text: () =>
      `${prompt}client delete -client x\n${old('client delete prompt')}\n          > proceed\n'client delete' successful.\n\nCommand Result : 0 (Success)\n`,
    commands: [{ command: 'client delete -client x', answers: all, told: said('client delete') }],
  },
  {
    of: 'hsm login, partition create, client assignPartition on Azure, 7.2',
    text: () => from('azure-partition-create-assign-init-7.2-cloudflare.txt', prompt, 'vm$ lunacm'),
    commands: [
      { command: 'hsm login', answers: all, told: said('hsm login') },
      { command: 'partition create -partition KeylessSSL', answers: all, told: said('partition create') },
      { command: 'client assignpartition -client azure-keyless -partition KeylessSSL', told: said('client assignPartition') },
    ],
  },
  {
    of: 'hsm changePolicy, 7.4',
    text: () => from('hsm-changePolicy-12-thalesdocs-7.4.txt', 'lunash:>'),
    commands: [{ command: 'hsm changepolicy -policy 12 -value 0', answers: all, told: { ...said('hsm changePolicy'), text: /is now set to value: 0$/ } }],
  },
  { of: 'hsm init, 6.x', text: () => from('hsm-init-ibm.txt', '['), commands: [{ command: 'hsm init -l jpmonge', answers: all, told: said('hsm init') }] },
  {
    of: 'hsm show of an Azure unit as it is delivered, 7.2',
    text: () => from('hsm-show-7.2-azure-zeroized.txt', prompt),
    commands: [{ command: 'hsm show', told: { ...good, text: /^Appliance Details:[\s\S]*75 deg\. C$/ } }],
  },
  {
    of: 'hsm login and partition create, 7.4',
    text: () => from('partition-create-thalesdocs-7.4.txt', 'lunash:>', 'lunash:>hsm show'),
    commands: [
      { command: 'hsm login', answers: all, told: said('hsm login') },
      { command: 'partition create -partition LunaPar1', answers: all, told: said('partition create') },
    ],
  },
  {
    of: 'ntls ipcheck on Azure',
    text: () => from('ntls-ipcheck-azure.txt', '['),
    commands: [
      { command: 'ntls ipcheck disable', told: { ...good, text: /disabled$/ } },
      { command: 'ntls ipcheck show', told: { ...good, text: /: Disable$/ } },
    ],
  },
  {
    of: 'my publickey add, 7.0',
    text: () => from('my-publickey-add-7.0-thales.txt', '[lunasa7]'),
    commands: [{ command: 'my publickey add id_rsa.pub', told: said() }],
  },
  {
    of: 'sysconf ssh show, 7.7',
    text: () => from('sysconf-ssh-show-7.7.txt', '[myLuna]', /\[myLuna\] lunash:>my/),
    commands: [{ command: 'sysconf ssh show', told: { ...good, text: /^SSHD configuration:[\s\S]*Public key authentication is enabled$/ } }],
  },
  {
    of: 'token backup factoryReset, 7.x',
    text: () => from('token-backup-factoryReset-thalesdocs-7.txt', 'lunash:>'),
    commands: [{ command: 'token backup factoryReset -serial 496771', answers: all, told: said('token backup factoryReset') }],
  },
];

const manners: Manner[] = [
  { lineEnd: '\r\n', echo: true },
  { lineEnd: '\n', echo: false },
  { lineEnd: '\r\n', echo: false },
  { lineEnd: '\n', echo: true },
];

/** Plays a recording whole, byte by byte, and cut at every position, with both line ends, with echo and without. */
async function inEveryManner(
  recording: string,
  play: (session: LunashSession, terminal: RecordedTerminal, transcript: Transcript) => Promise<void>,
): Promise<void> {
  for (const [at, manner] of manners.entries()) {
    const bytes = Buffer.byteLength(recording.replaceAll('\n', manner.lineEnd)) + 50;
    // Line ends and echo are independent of where it is cut: two of the four manners meet every cut.
    const cuts = at < 2 ? Array.from({ length: bytes }, (_, cut) => cut) : [];
    for (const cut of [undefined, 'everywhere' as const, ...cuts]) {
      const terminal = new RecordedTerminal(recording, { ...manner, ...(cut === undefined ? {} : { cut }) });
      const transcript = new Transcript();
      try {
        await play(new LunashSession(terminal, openFence, transcript), terminal, transcript);
        assert.deepEqual(terminal.strayed, []);
      } catch (error) {
        throw new Error(`cut at ${cut}, ${JSON.stringify(manner)}`, { cause: error });
      }
    }
  }
}

describe('Recorded conversations with LunaSH, however the output arrives', function () {
  this.timeout(120_000);
  before(function () {
    if (!haveFixtures) this.skip();
  });

  for (const { of, text, commands } of recordings)
    it(of, () =>
      inEveryManner(text(), async (session, _, transcript) => {
        assert.equal(await session.start(), 'ready');
        for (const { command, answers, told } of commands) {
          const outcome = await session.raw(command, answers);
          const { text: wanted, ...rest } = told;
          for (const [field, value] of Object.entries(rest)) assert.deepEqual(outcome[field as keyof Outcome], value, field);
          if (wanted) assert.match(outcome.text, wanted);
        }
        for (const secret of Object.values(secrets)) assert.ok(!transcript.masked.includes(secret));
      }),
    );

  it('the forced change at the first sign-in, 7.2', () =>
    inEveryManner(from('first-login-7.2-azure.txt', 'Last login'), async (session, { typed }, transcript) => {
      assert.equal(await session.start(), 'forced');
      await session.choosePassword({ current: 'PASSWORD', next: 'New-Password.1' });
      assert.deepEqual(typed, ['New-Password.1', 'New-Password.1']);
      assert.ok(!transcript.masked.includes('New-Password.1'));
    }));

  it('the same in the words of 6.3', () =>
    inEveryManner(from('user-password-thalesdocs-7.0.txt', 'Changing password for user smith'), async (session, { typed }) => {
      assert.equal(await session.start(), 'forced');
      await session.choosePassword({ current: 'PASSWORD', next: 'New-Password.1' });
      assert.equal(typed.length, 2);
    }));

  it('the failed last sign-in that erases the HSM and says result 0 is a failure', () => {
    const file = 'hsm-login-last-attempt-zeroize-azure.txt';
    const recording = `${prompt}hsm login\n${from(file, '  Please enter the HSM')}`;
    return inEveryManner(recording, async (session) => {
      await session.start();
      await assert.rejects(session.change('hsm login', { password: secrets.password }, 'hsm login'), /30000F : LUNA_RET_SO_LOGIN_FAILURE_THRESHOLD/);
    });
  });

  for (const [version, recording] of [
    ['7.x on Azure', () => from('hsm-login-last-attempt-zeroize-azure.txt', prompt)],
    [
      '6.0',
      () =>
        `${prompt}hsm login\n${from('hsm-login-attempt-warnings-thalesdocs-6.0.txt', 'Caution: This is your LAST', '--- Two bad logins; without -force / non')}`,
    ],
  ] as const)
    it(`the caution before the last sign-in is never answered with proceed, ${version}`, () =>
      inEveryManner(recording(), async (session, terminal) => {
        await session.start();
        await assert.rejects(session.raw('hsm login', all), isUnsafe(/few sign-ins are left before the HSM erases itself/));
        assert.deepEqual(terminal.typed.slice(1), ['quit']);
      }));

  it('the caution that two attempts are left is heeded, too: somebody used one up since the look, 6.0', () => {
    const caution = from('hsm-login-attempt-warnings-thalesdocs-6.0.txt', 'Caution: You have only TWO', '--- One bad login; with or without -force / non');
    return inEveryManner(`${prompt}hsm login\n${caution.trimEnd()} ********\n`, async (session, terminal) => {
      await session.start();
      await assert.rejects(session.raw('hsm login', { password: secrets.password }), isUnsafe(/few sign-ins are left/));
      assert.deepEqual(terminal.typed.slice(1), ['quit'], 'nothing but a quit at the prompt');
    });
  });
});

const isUnsafe = (seen: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StepFailure);
  assert.equal(error.problem.kind, 'Unsafe');
  assert.match(wordsOf(error.problem), seen);
  return true;
};
