import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type ClientChannel } from 'ssh2';
import { hsmIdOf } from '../../activities/asked-hsm.ts';
import { appliancePassword } from '../../activities/hsm-setup/appliance-password.ts';
import { createPartition } from '../../activities/hsm-setup/create-partition.ts';
import { fipsMode } from '../../activities/hsm-setup/fips-mode.ts';
import { initializeHsm } from '../../activities/hsm-setup/initialize-hsm.ts';
import { inspectHsm } from '../../activities/hsm-setup/inspect-hsm.ts';
import { prepareNtls } from '../../activities/hsm-setup/prepare-ntls.ts';
import { newPartition } from '../../simulator/luna/state.ts';
import type { Records } from '../../stores/record/record.ts';
import { folderTranscripts } from '../../stores/reports/transcripts.ts';
import { runWithFence } from '../../systems/fence.ts';
import { afterEntry } from '../support/after-entry.ts';
import type { EarlierEntry } from '../support/earlier-entries.ts';
import { openFence } from '../support/fence.ts';
import { LunaSteps } from '../support/luna/luna-steps.ts';
import { until } from '../support/until.ts';

type Variants = Record<string, string>;

/** Each unverified fact the other way round at least once, together with those that it could get in the way of. */
const appliances: { of: string; variants: Variants; env?: Record<string, string> }[] = [
  { of: 'as it usually is', variants: {} },
  {
    of: '7.8: asks for the password by questions, other ciphers',
    variants: { 'luna.words': '7.8', 'luna.signIn': 'keyboard-interactive', 'luna.algorithms': '7.8' },
  },
  {
    of: 'the password is changed by questions before the shell; 6.x',
    variants: { 'luna.words': '6.x', 'luna.signIn': 'keyboard-interactive', 'luna.forcedChange': 'keyboard-interactive', 'luna.changePolicy': 'zeroizes' },
  },
  {
    of: 'SSH itself asks for the change; no echo, bare line ends',
    variants: { 'luna.forcedChange': 'ssh', 'luna.echo': 'no', 'luna.lineEnds': 'lf', 'luna.soStaysSignedIn': 'yes' },
  },
  {
    of: '5.x: old words, old algorithms, MD5',
    variants: { 'luna.words': '5.x', 'luna.passwordPrompts': 'old', 'luna.algorithms': 'old', 'luna.clientFingerprint': 'md5', 'luna.lineEnds': 'lf' },
    env: { HSM_LUNA_OLD_ALGORITHMS: 'allow' },
  },
  {
    of: 'asks for the present password, too, and for every restart',
    variants: { 'luna.passwordPrompts': 'with-current', 'luna.restartAsks': 'yes', 'luna.bindAsks': 'yes', 'luna.regenCert': 'bare' },
  },
  {
    of: 'other layouts; zeroized by the policy, signed in afterwards',
    variants: { 'luna.networkShow': 'blocks', 'luna.ntlsShow': 'sentence', 'luna.changePolicy': 'zeroizes', 'luna.soStaysSignedIn': 'yes', 'luna.echo': 'no' },
  },
  { of: 'tells in no known way what NTLS is bound to', variants: { 'luna.ntlsShow': 'status' } },
  { of: 'its first question comes right after hsm init', variants: { 'luna.initQuestion': 'at-once' } },
  { of: 'its clock shows CET and is ten minutes slow', variants: { 'luna.zone': 'CET', 'luna.clockSkewMinutes': '-10' } },
  { of: 'one shell at a time', variants: { 'luna.mostShells': '1', 'luna.interrupt': 'ignored' } },
];

describe('The HSM’s half of the runbook, over real SSH', function () {
  this.timeout(120_000);
  let luna: LunaSteps;
  afterEach(() => luna?.stop());

  /** Everything from the first sign-in to a bound NTLS. */
  async function configure(): Promise<void> {
    const { appliance: hsm } = await luna.step(appliancePassword, { ...luna.job, windows: luna.hosts.windows, hsmAddress: luna.hosts.hsm.address });
    assert.deepEqual(hsm, luna.hosts.hsm, 'the host key of first contact is pinned');
    const input = { ...luna.job, windows: luna.hosts.windows, hsm };
    const { hsm: delivered, warnings } = await luna.step(inspectHsm, input);
    assert.deepEqual([delivered.zeroized, warnings], [true, []]);
    const { hsm: ours } = await luna.step(initializeHsm, input);
    assert.equal((await luna.step(fipsMode, { ...input, ...(await luna.granted('approval-1', ours.digest)) })).outcome, 'on');
    const { partition } = await luna.step(createPartition, input);
    assert.equal(partition.name, luna.request.hsm.partition.name);
    await luna.step(prepareNtls, input);
  }

  for (const { of, variants, env } of appliances)
    it(`is carried out on an appliance: ${of}`, async () => {
      luna = await LunaSteps.start({ variants }, env);
      await configure();
      const { state, commandLines } = luna.world.appliance;
      assert.deepEqual([state.users[0]!.password, state.hsm.soPassword, state.hsm.domain].map(String), [
        luna.kept('appliance-password'),
        luna.kept('hsm-so-password'),
        luna.kept('hsm-domain'),
      ]);
      assert.deepEqual([state.hsm.fips, state.hsm.soAttemptsLeft, state.hsm.partitions.length, state.ntls.active?.device], [true, 3, 1, 'eth0']);
      assert.equal(luna.arrived('lunash:sysconf regenCert', 'done').length, 1);
      assert.deepEqual([state.clock.zone, Math.abs(state.clock.skewMinutes) <= 1], [variants['luna.zone'] ?? 'EDT', true]);
      assert.ok(commandLines.some((line) => line.startsWith('hsm init -label')));
      for (const [name, secret] of luna.secrets) {
        const shown = commandLines.filter((line) => line.includes(secret));
        assert.deepEqual(shown, [], `${name} was typed in a command line`);
      }
      assert.deepEqual(luna.arrived('luna-ssh:sign-in', 'refused'), [], 'at the first contact the kept password cannot be right, and is not shown');
    });

  it('keeps a transcript of every session, with its hash and without a secret', async () => {
    luna = await LunaSteps.start();
    await configure();
    const transcripts = await luna.systems.transcripts.list(luna.target, 'run-1');
    assert.deepEqual(
      transcripts.map(({ step }) => step),
      ['appliance-password', 'create-partition', 'fips-mode', 'initialize-hsm', 'inspect-hsm', 'prepare-ntls'],
    );
    for (const { step, text, sha256 } of transcripts) {
      assert.match(text, /lunash:>|New password:/, step);
      assert.equal(sha256, createHash('sha256').update(text).digest('hex'));
      for (const [name, secret] of luna.secrets) assert.ok(!text.includes(secret), `${name} in the transcript of ${step}`);
    }
  });

  it('sends no password to a host whose key is another than the pinned one, in this run or an earlier one', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    const another = `SHA256:${'A'.repeat(43)}`;
    const changed = await luna.problemOf(luna.step(inspectHsm, { ...luna.job, windows: luna.hosts.windows, hsm: { ...luna.hosts.hsm, pin: another } }));
    assert.deepEqual([changed.kind, changed.words], ['Unsafe', `the host key is ${luna.hosts.hsm.pin}, not ${another}`]);
    luna.values.set(`${luna.target}-appliance-host-key`, another);
    const later = await luna.problemOf(luna.step(appliancePassword, { ...luna.job, windows: luna.hosts.windows, hsmAddress: luna.hosts.hsm.address }));
    assert.equal(later.kind, 'Unsafe');
    assert.match(later.remedy, new RegExp(`No password was sent.*--keep ${luna.target}-appliance-host-key-2, or the next number.*send the request again\\.$`));
    assert.deepEqual(luna.arrived('luna-ssh:sign-in'), []);
  });

  it('trusts a rebuilt HSM again by an entry more, with nothing removed: the last one counts', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    const hostKey = `${luna.target}-appliance-host-key`;
    const [another, third] = ['A', 'B'].map((letter) => `SHA256:${letter.repeat(43)}`) as [string, string];
    const signIn = () => luna.step(appliancePassword, { ...luna.job, windows: luna.hosts.windows, hsmAddress: luna.hosts.hsm.address });
    luna.values.set(hostKey, another);
    luna.values.set(`${hostKey}-2`, luna.hosts.hsm.pin);
    assert.deepEqual(await signIn(), { appliance: luna.hosts.hsm });
    luna.values.set(`${hostKey}-3`, third);
    assert.equal((await luna.problemOf(signIn())).words, `the host key is ${luna.hosts.hsm.pin}, not ${third}`);
    assert.deepEqual(
      [...luna.values.keys()].filter((name) => name.startsWith(hostKey)),
      [hostKey, `${hostKey}-2`, `${hostKey}-3`],
    );
  });

  describe('whose host key goes on record', () => {
    const signIn = () => luna.step(appliancePassword, { ...luna.job, windows: luna.hosts.windows, hsmAddress: luna.hosts.hsm.address });
    const deployment = () =>
      luna.systems.records.of(luna.target, 'deployment', { jobId: luna.target, runId: 'run-0', execution: 'test', attempt: 1, retry: 1 });
    const entered = async () => (await deployment().read()).map(({ data }) => ('hostKey' in data ? data.hostKey : undefined));

    it('enters it before any password is sent, and once', async () => {
      luna = await LunaSteps.start();
      const { records } = luna.systems;
      const failing: Records = {
        of: (target, subject, writer) =>
          subject === 'deployment'
            ? { ...records.of(target, subject, writer), read: async () => [], append: () => Promise.reject(new Error('the record cannot be written')) }
            : records.of(target, subject, writer),
      };
      luna.systems.records = failing;
      assert.match((await luna.problemOf(signIn())).words, /the record cannot be written/);
      assert.deepEqual(luna.arrived('luna-ssh:sign-in'), []);
      luna.systems.records = records;
      await signIn();
      await signIn();
      assert.deepEqual(await entered(), [luna.hosts.hsm.pin]);
    });

    it('sends no password where another one is on record, in whichever job it was entered, unless a person confirmed it', async () => {
      luna = await LunaSteps.start();
      luna.setUpHsm();
      const another = `SHA256:${'A'.repeat(43)}`;
      await deployment().append('machine-created', { resourceId: hsmIdOf(luna.request), hostKey: another });
      const { kind, remedy } = await luna.problemOf(signIn());
      assert.deepEqual([kind, luna.arrived('luna-ssh:sign-in')], ['Unsafe', []]);
      assert.match(remedy, new RegExp(`^No password was sent.*--keep ${luna.target}-appliance-host-key-2`));
      luna.values.set(`${luna.target}-appliance-host-key`, another);
      luna.values.set(`${luna.target}-appliance-host-key-2`, luna.hosts.hsm.pin);
      assert.deepEqual(await signIn(), { appliance: luna.hosts.hsm });
      assert.deepEqual(await entered(), [another, luna.hosts.hsm.pin]);
    });

    it('sends no password where a request for the HSM is on record, and nothing shows that it made this one', async () => {
      luna = await LunaSteps.start();
      await deployment().append('machine-create-begun', { resourceId: hsmIdOf(luna.request), absent: true, tag: 't1' });
      const { kind, code, words } = await luna.problemOf(signIn());
      assert.deepEqual([kind, code, luna.arrived('luna-ssh:sign-in')], ['Unsafe', 'AZURE_RESOURCE_FOREIGN', []]);
      assert.match(words, /the tag provisioner-create=t1/);
    });
  });

  it('uses old algorithms only where they are allowed, and says how', async () => {
    luna = await LunaSteps.start({ variants: { 'luna.algorithms': 'old' } });
    const {
      kind,
      words: seen,
      remedy,
    } = await luna.problemOf(luna.step(appliancePassword, { ...luna.job, windows: luna.hosts.windows, hsmAddress: luna.hosts.hsm.address }));
    assert.equal(kind, 'Refused');
    assert.match(seen, /no matching/);
    assert.match(remedy, /HSM_LUNA_OLD_ALGORITHMS=allow/);
  });

  it('tries a wrong password once only, whichever methods the appliance offers', async () => {
    for (const signIn of ['password', 'keyboard-interactive']) {
      luna = await LunaSteps.start({ variants: { 'luna.signIn': signIn } });
      luna.setUpHsm();
      luna.world.appliance.state.users[0]!.password = 'Somebody-elses.1';
      const { kind } = await luna.problemOf(luna.step(inspectHsm, { ...luna.job, ...luna.hosts }));
      assert.deepEqual([kind, luna.arrived('luna-ssh:sign-in', 'refused').length], ['Refused', 1]);
      if (signIn === 'password') await luna.stop();
    }
  });

  it('enters that the kept password of the appliance was refused, and shows it again only once a person orders a retry', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    luna.world.appliance.state.users[0]!.password = 'Somebody-elses.1';
    const refused = () => luna.arrived('luna-ssh:sign-in', 'refused').length;
    const input = { ...luna.job, ...luna.hosts };
    luna.execution = 'step';
    // An attempt whose failure is lost is followed by another one, and any step may be asked what it would do.
    for (const step of [inspectHsm, inspectHsm, createPartition]) {
      const { kind, remedy } = await luna.problemOf(luna.attempt(step as typeof inspectHsm, input));
      assert.deepEqual([kind, refused()], ['Refused', 1], remedy);
    }
    const entered = async () =>
      (await luna.record().read()).flatMap(({ event, data, runId }) => (runId === 'run-1' && event === 'appliance-sign-in' ? [data.outcome] : []));
    assert.deepEqual(await entered(), ['refused']);
    luna.world.appliance.state.users[0]!.password = luna.kept('appliance-password');
    await luna.attempt(inspectHsm, { ...input, order: 2 });
    await luna.attempt(inspectHsm, { ...input, order: 2 });
    assert.deepEqual([refused(), await entered()], [1, ['refused', 'tried', 'accepted']]);
  });

  it('enters before the kept password is shown again that it is, and does not show it a third time where nobody heard what came of that', async () => {
    let isCut = true;
    luna = await LunaSteps.start({
      arrived: ({ operation }) => {
        if (operation === 'luna-ssh:sign-in' && isCut) luna.world.socks.cut();
      },
    });
    luna.setUpHsm();
    luna.enterEarlier(['appliance-sign-in', { password: 'kept', outcome: 'refused' }]);
    const input = { ...luna.job, ...luna.hosts };
    assert.equal((await luna.problemOf(luna.attempt(inspectHsm, input))).kind, 'Transient');
    isCut = false;
    const { kind, words, remedy } = await luna.problemOf(luna.attempt(inspectHsm, input, 2));
    assert.deepEqual([kind, luna.arrived('luna-ssh:sign-in').length], ['Refused', 1]);
    assert.match(`${words} ${remedy}`, /last sign-in with the stored password received no response.*retrying signs in once more/);
    await luna.attempt(inspectHsm, { ...input, order: 2 });
  });

  it('goes on in the same attempt after a sign-in that had to be entered first', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    luna.world.appliance.state.hsm.partitions.length = 0;
    luna.enterEarlier(['appliance-sign-in', { password: 'kept', outcome: 'refused' }]);
    await luna.attempt(createPartition, { ...luna.job, ...luna.hosts });
    const entered = (await luna.record().read()).filter(({ runId }) => runId === 'run-1');
    assert.deepEqual(
      entered.map(({ event, data }) => `${event}${'outcome' in data ? ` ${data.outcome}` : ''}`),
      ['appliance-sign-in tried', 'appliance-sign-in accepted', 'so-sign-in tried', 'so-sign-in accepted', 'partition-create-begun', 'partition-created'],
    );
  });

  it('does not overlook, by a sign-in, what another attempt entered since the last look', async () => {
    const other: EarlierEntry<'hsm'>[] = [['initialize-begun', {}]];
    luna = await LunaSteps.start({
      arrived: ({ operation }) => {
        if (operation === 'lunash:hsm show') luna.enterEarlier(...other.splice(0));
      },
    });
    luna.setUpHsm();
    luna.world.appliance.state.hsm.partitions.length = 0;
    const { code } = await luna.problemOf(luna.attempt(createPartition, { ...luna.job, ...luna.hosts }));
    assert.deepEqual([code, luna.arrived('lunash:hsm login'), luna.arrived('lunash:partition create')], ['RECORD_STALE', [], []]);
  });

  describe('that loses the connection before a password is sent', () => {
    const signIn = () => luna.attempt(appliancePassword, { ...luna.job, windows: luna.hosts.windows, hsmAddress: luna.hosts.hsm.address });
    const tried = async () =>
      (await luna.record().read()).flatMap(({ event, data, runId }) =>
        runId === 'run-1' && event === 'appliance-sign-in' ? [`${data.password} ${data.outcome}`] : [],
      );
    /** The connection is lost once, as soon as the host key is known. */
    const losesConnection = () => {
      const { records } = luna.systems;
      let isLost = false;
      const lose = () => {
        isLost = true;
        luna.world.socks.cut();
      };
      luna.systems.records = {
        of(target, subject, writer) {
          const record = records.of(target, subject, writer);
          if (subject !== 'deployment') return record;
          let reads = 0;
          const read = async () => {
            const entries = await record.read();
            // The first is that of the look.
            if (++reads > 1 && !isLost) lose();
            return entries;
          };
          return { read, append: (event, data) => record.append(event, data) };
        },
      };
    };

    it('has shown none: the kept one is shown by the next attempt, and the factory’s by none', async () => {
      luna = await LunaSteps.start();
      luna.setUpHsm('somebody else');
      // The kept password may be there, and was not accepted yet.
      luna.enterEarlier(['appliance-password-replace-begun', {}]);
      losesConnection();
      assert.equal((await luna.problemOf(signIn())).kind, 'Transient');
      assert.deepEqual([await tried(), luna.arrived('luna-ssh:sign-in')], [[], []]);
      assert.deepEqual(await signIn(), { appliance: luna.hosts.hsm });
      assert.deepEqual([await tried(), luna.arrived('luna-ssh:sign-in', 'refused')], [['kept tried', 'kept accepted'], []]);
    });
  });

  it('keeps one connection to an HSM at a time, however many steps want one', async () => {
    luna = await LunaSteps.start({ variants: { 'luna.mostShells': '1' } });
    luna.setUpHsm();
    const looks = await Promise.all([1, 2, 3, 4].map(() => luna.attempt(inspectHsm, { ...luna.job, ...luna.hosts })));
    assert.deepEqual(new Set(looks.map(({ hsm }) => hsm.label)), new Set([luna.request.hsm.label]));
  });

  it('waits where somebody else has the only shell', async () => {
    luna = await LunaSteps.start({ variants: { 'luna.mostShells': '1' } });
    luna.setUpHsm();
    const other = await person(luna);
    const problem = await luna.problemOf(luna.attempt(inspectHsm, { ...luna.job, ...luna.hosts }));
    assert.equal(problem.kind, 'Transient');
    const inspected = luna.step(inspectHsm, { ...luna.job, ...luna.hosts });
    other.leave();
    assert.equal((await inspected).hsm.soAttemptsLeft, 3);
  });
});

describe('A password that does not fit', function () {
  this.timeout(60_000);
  let luna: LunaSteps;
  afterEach(() => luna?.stop());
  const firstSignIn = () => luna.problemOf(luna.step(appliancePassword, { ...luna.job, windows: luna.hosts.windows, hsmAddress: luna.hosts.hsm.address }));
  const soSignIn = () => luna.problemOf(luna.step(initializeHsm, { ...luna.job, ...luna.hosts }));

  it('is the factory one where no change is asked for: nothing is changed', async () => {
    luna = await LunaSteps.start();
    luna.world.appliance.state.users[0]!.mustChange = false;
    const { kind, words: seen } = await firstSignIn();
    assert.deepEqual([kind, seen], ['Unsafe', 'the factory password works and no change is asked for']);
    assert.equal(luna.world.appliance.state.users[0]!.password, 'PASSWORD');
  });

  it('is neither: each is tried once', async () => {
    luna = await LunaSteps.start();
    Object.assign(luna.world.appliance.state.users[0]!, { password: 'Somebody-elses.1', mustChange: false });
    assert.match((await firstSignIn()).words, /neither the stored nor the factory password/);
    assert.equal(luna.arrived('luna-ssh:sign-in').length, 2);
  });

  for (const [forced, signIn] of [
    ['shell', 'password'],
    ['ssh', 'password'],
    ['keyboard-interactive', 'keyboard-interactive'],
  ] as const)
    it(`is the kept one, which is to be changed: somebody reset it (asked by ${forced})`, async () => {
      luna = await LunaSteps.start({ variants: { 'luna.forcedChange': forced, 'luna.signIn': signIn } });
      luna.setUpHsm();
      luna.world.appliance.state.users[0]!.mustChange = true;
      const inspected = () => luna.problemOf(luna.step(inspectHsm, { ...luna.job, ...luna.hosts }));
      for (const stopped of [inspected, firstSignIn]) {
        const { kind, remedy } = await stopped();
        assert.deepEqual([kind, /Somebody reset it/.test(remedy)], ['Unsafe', true]);
      }
      assert.equal(luna.world.appliance.state.users[0]!.password, luna.kept('appliance-password'));
    });

  it('is accepted, but the host key cannot be kept: the job does not go on', async () => {
    luna = await LunaSteps.start();
    luna.systems.secrets.create = async () => {
      throw new Error('the vault is read-only');
    };
    assert.match((await firstSignIn()).words, /the vault is read-only/);
  });

  it('is on record before it is shown, the change of the factory’s too', async () => {
    const known: Promise<string[]>[] = [];
    const entered = async () =>
      (await luna.record().read()).flatMap(({ event, data }) =>
        event === 'appliance-sign-in' ? [`${data.password} ${data.outcome}`] : event === 'appliance-password-replace-begun' ? ['replaced'] : [],
      );
    luna = await LunaSteps.start({ arrived: ({ operation }) => void (operation === 'luna-ssh:sign-in' && known.push(entered())) });
    await luna.step(appliancePassword, { ...luna.job, windows: luna.hosts.windows, hsmAddress: luna.hosts.hsm.address });
    // It is good from the change on, and not entered again.
    const shown = ['factory tried', 'replaced', 'kept accepted'];
    assert.deepEqual(await Promise.all(known), [shown.slice(0, 1), shown.slice(0, 2), shown]);
  });

  it('is the SO’s: one attempt, and none of the next two', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    const { hsm } = luna.world.appliance.state;
    hsm.soPassword = 'Somebody-elses.1';
    assert.match((await soSignIn()).words, /LUNA_RET_UM_PIN_INCORRECT/);
    assert.equal(hsm.soAttemptsLeft, 2);
    assert.match((await soSignIn()).words, /attempts left: 2 of 3|2 SO attempts are left/);
    assert.equal(luna.world.appliance.state.hsm.soAttemptsLeft, 2);
  });

  it('is the SO’s of an HSM of our label that no entry shows as ours: not shown before a person who was told orders a retry', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm('somebody else');
    luna.world.appliance.state.hsm.soPassword = 'Somebody-elses.1';
    const input = { ...luna.job, ...luna.hosts };
    const signIns = () => luna.arrived('lunash:hsm login').length;
    // An attempt whose failure is lost is followed by another one; and another run is another person's.
    for (const again of [input, input, { ...input, runId: 'run-2' }]) {
      const { kind, words } = await luna.problemOf(luna.step(initializeHsm, again));
      assert.deepEqual({ kind, signIns: signIns() }, { kind: 'Unsafe', signIns: 0 });
      assert.match(words, /the target record does not show that this service initialized it/);
    }
    await luna.problemOf(luna.step(initializeHsm, { ...input, order: 2 }));
    assert.deepEqual([signIns(), luna.world.appliance.state.hsm.soAttemptsLeft], [1, 2]);
  });

  it('is the SO’s of an HSM of our label and another serial than the record has: not shown either', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    luna.enterEarlier(['initialized', { serial: '572414', label: luna.request.hsm.label }]);
    const { kind, words } = await luna.problemOf(luna.step(initializeHsm, { ...luna.job, ...luna.hosts }));
    assert.deepEqual([kind, luna.arrived('lunash:hsm login').length], ['Unsafe', 0]);
    assert.match(words, /the target record does not show that this service initialized it/);
  });

  it('is the SO’s, refused while its sender dies: the next attempt does not show it again', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    const { hsm } = luna.world.appliance.state;
    hsm.soPassword = 'Somebody-elses.1';
    // What such an attempt leaves behind: an entry without an outcome, and one attempt less.
    const record = luna.record();
    await record.read();
    await record.append('so-sign-in', { outcome: 'tried' });
    hsm.soAttemptsLeft = 2;
    assert.match((await soSignIn()).words, /attempts left: 2 of 3/);
    assert.deepEqual([luna.arrived('lunash:hsm login').length, hsm.soAttemptsLeft], [0, 2]);
  });

  it('is the SO’s, and is not shown again before a person orders a retry, though the counter was reset and another worker has other folders', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    const { hsm } = luna.world.appliance.state;
    hsm.soPassword = 'Somebody-elses.1';
    luna.execution = 'step';
    await soSignIn();
    hsm.soAttemptsLeft = 3;
    const elsewhere = { ...luna.systems, transcripts: folderTranscripts(join(tmpdir(), 'hsm-no-such-folder')) };
    const again = await luna.problemOf(luna.step(() => initializeHsm(elsewhere), { ...luna.job, ...luna.hosts }));
    assert.match(again.words, /the stored SO password was refused/);
    assert.equal(luna.arrived('lunash:hsm login').length, 1);
    await luna.problemOf(luna.step(initializeHsm, { ...luna.job, ...luna.hosts, order: 2 }));
    assert.equal(luna.arrived('lunash:hsm login').length, 2);
  });

  for (const result of ['0', '65535'])
    it(`for the last time is a failure, whatever its result says: ${result}`, async () => {
      luna = await LunaSteps.start({ variants: { 'luna.lastFailureResult': result } });
      luna.setUpHsm();
      const { hsm } = luna.world.appliance.state;
      hsm.soAttemptsLeft = 1;
      const attempt = { step: 'inspect-hsm', order: '1', number: 1, signal: AbortSignal.timeout(30_000) };
      await runWithFence(openFence, () =>
        luna.systems.luna.shell({ ...luna.job, ...luna.hosts }, attempt, async (session) => {
          const outcome = await session.raw('hsm login -force', { password: 'Somebody-elses.1' });
          assert.deepEqual([outcome.result, outcome.codes.map(({ code }) => code)], [Number(result), ['30000F']]);
          assert.throws(() => session.mustHaveSucceeded('hsm login', outcome, 'hsm login'), /LUNA_RET_SO_LOGIN_FAILURE_THRESHOLD/);
        }),
      );
      assert.equal(hsm.zeroized, true);
    });

  for (const softInit of ['refuses', 'asks'])
    it(`is not typed where somebody initialized the HSM right before hsm init, which then ${softInit}`, async () => {
      luna = await LunaSteps.start({ variants: { 'luna.softInit': softInit, 'luna.initQuestion': 'at-once' } });
      luna.setUpHsm();
      const { hsm } = luna.world.appliance.state;
      Object.assign(hsm, { zeroized: true, label: '', partitions: [] });
      luna.fault('hold', 'lunash:hsm show', { skip: 1 });
      const stopped = soSignIn();
      const held = await until('the last look', async () => luna.world.faults.held()[0]?.id);
      Object.assign(hsm, { zeroized: false, label: 'TheirHSM', soPassword: 'their-own-password' });
      luna.world.faults.release(held);
      const { kind, words: seen } = await stopped;
      assert.equal(kind, softInit === 'asks' ? 'Unsafe' : 'Refused');
      assert.match(seen, softInit === 'asks' ? /it asks something unknown\. LunaSH said: .*HSM Administrators' password/ : /LUNA_RET_USER_NOT_LOGGED_IN/);
      assert.deepEqual([hsm.soAttemptsLeft, hsm.label], [3, 'TheirHSM']);
    });

  for (const [left, interrupt] of [
    [2, 'prompt'],
    [2, 'ignored'],
    [1, 'prompt'],
  ] as const)
    it(`is not typed where the sign-in itself warns that ${left} attempts are left; Ctrl-C: ${interrupt}`, async () => {
      luna = await LunaSteps.start({ variants: { 'luna.interrupt': interrupt } });
      luna.setUpHsm();
      const { hsm } = luna.world.appliance.state;
      // Between the look and the sign-in somebody else uses attempts up.
      luna.fault('hold', 'lunash:partition list', { skip: 1 });
      const stopped = soSignIn();
      await until('partition list', async () => luna.world.faults.held()[0]?.id);
      hsm.soAttemptsLeft = left;
      luna.world.faults.release(luna.world.faults.held()[0]!.id);
      const { kind, words: seen } = await stopped;
      assert.equal(kind, 'Unsafe');
      assert.match(seen, /few sign-ins are left before the HSM erases itself/);
      assert.deepEqual([hsm.soAttemptsLeft, hsm.zeroized], [left, false]);
    });
});

/** A person at a terminal of their own. */
async function person(luna: LunaSteps) {
  const client = new ssh2.Client();
  await new Promise<void>((resolve, reject) =>
    client
      .once('ready', () => resolve())
      .once('error', reject)
      .connect({ host: '127.0.0.1', port: luna.world.appliance.ports[22]!, username: 'tenantadmin', password: luna.kept('appliance-password') }),
  );
  const channel = await new Promise<ClientChannel>((resolve, reject) => client.shell((error, opened) => (error ? reject(error) : resolve(opened))));
  let shown = '';
  channel.on('data', (chunk: Buffer) => {
    shown += chunk.toString('utf8');
  });
  const prompted = async () => until('a prompt', async () => (/(?:lunash:>|> )$/.test(shown) ? true : undefined), { everyMs: 5 });
  await prompted();
  return {
    async type(line: string): Promise<string> {
      shown = '';
      channel.write(`${line}\r`);
      await prompted();
      return shown;
    },
    leave: () => client.end(),
  };
}

describe('What was approved to be erased', function () {
  this.timeout(60_000);
  let luna: LunaSteps;
  afterEach(() => luna?.stop());

  it('is compared once more right before it is: with a partition that came while the SO signed in, nothing is erased', async () => {
    luna = await LunaSteps.start({
      arrived: ({ operation }) => {
        if (operation === 'lunash:hsm login') luna.world.appliance.state.hsm.partitions.push(newPartition('theirs', 20_000));
      },
    });
    luna.setUpHsm();
    const input = { ...luna.job, ...luna.hosts };
    const { hsm } = await luna.step(inspectHsm, input);
    const { outcome } = await luna.step(fipsMode, { ...input, ...(await luna.granted('approval-1', hsm.digest)) });
    assert.deepEqual([outcome, luna.arrived('lunash:hsm changePolicy').length], ['changed-since-approval', 0]);
  });

  it('does not come about under an approval that the target record does not have, or has for another HSM', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    const input = { ...luna.job, ...luna.hosts };
    const { hsm } = await luna.step(inspectHsm, input);
    await luna.granted('approval-1', 'of another HSM');
    await luna.granted('approval-2', hsm.digest);
    const { code } = await luna.problemOf(luna.step(fipsMode, { ...input, approvalId: 'approval-1', approvedDigest: hsm.digest }));
    assert.equal(code, 'APPROVAL_NOT_ON_RECORD');
    assert.deepEqual([luna.arrived('lunash:hsm login'), luna.arrived('lunash:hsm changePolicy')], [[], []]);
  });

  it('is compared again after the entries, which may take their time: with a partition that came meanwhile, nothing is erased', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    const { records } = luna.systems;
    luna.systems.records = afterEntry(records, 'erase-begun', () => {
      luna.world.appliance.state.hsm.partitions.push(newPartition('theirs', 20_000));
    });
    const input = { ...luna.job, ...luna.hosts };
    const { hsm } = await luna.step(inspectHsm, input);
    await luna.granted('approval-1', hsm.digest);
    const { outcome } = await luna.step(fipsMode, { ...input, approvedDigest: hsm.digest, approvalId: 'approval-1' });
    const [last] = (await luna.record().read()).slice(-1);
    assert.deepEqual(
      { outcome, sent: luna.arrived('lunash:hsm changePolicy').length, event: last?.event, data: last?.data },
      { outcome: 'approval-used', sent: 0, event: 'erase-ended', data: { act: 'fips-mode', outcome: 'not-erased' } },
    );
  });

  it('is on record before it is, and its approval as used', async () => {
    const known: Promise<string[]>[] = [];
    const entered = async () => {
      const approvals = luna.systems.records.of(luna.target, 'approvals', { jobId: luna.target, runId: 'run-1', execution: 'look', attempt: 1, retry: 1 });
      const entries = [...(await approvals.read()), ...(await luna.record().read())];
      return entries.flatMap(({ event, runId }) => (runId === luna.job.runId ? [event] : []));
    };
    luna = await LunaSteps.start({ arrived: ({ operation }) => void (operation === 'lunash:hsm changePolicy' && known.push(entered())) });
    luna.setUpHsm();
    const input = { ...luna.job, ...luna.hosts };
    const { hsm } = await luna.step(inspectHsm, input);
    await luna.step(fipsMode, { ...input, ...(await luna.granted('approval-1', hsm.digest)) });
    assert.deepEqual(await Promise.all(known), [['approval-granted', 'approval-used', 'so-sign-in', 'so-sign-in', 'erase-begun']]);
  });
});

describe('A new certificate of the HSM', function () {
  this.timeout(60_000);
  let luna: LunaSteps;
  afterEach(() => luna?.stop());

  it('is not made where a client was registered after the look', async () => {
    let lists = 0;
    luna = await LunaSteps.start({
      arrived: ({ operation }) => {
        if (operation === 'lunash:client list' && ++lists === 2)
          luna.world.appliance.state.clients.push({ name: 'theirs', ip: '172.22.0.9', certificatePem: '', partitions: [] });
      },
    });
    luna.setUpHsm();
    Object.assign(luna.world.appliance.state.ntls, { device: null });
    await luna.problemOf(luna.step(prepareNtls, { ...luna.job, ...luna.hosts }));
    assert.deepEqual(luna.arrived('lunash:sysconf regenCert'), []);
  });

  it('is not made where a client was registered while the entry was made', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    Object.assign(luna.world.appliance.state.ntls, { device: null });
    luna.systems.records = afterEntry(luna.systems.records, 'server-certificate-replace-begun', () => {
      luna.world.appliance.state.clients.push({ name: 'theirs', ip: '172.22.0.9', certificatePem: '', partitions: [] });
    });
    await luna.problemOf(luna.step(prepareNtls, { ...luna.job, ...luna.hosts }));
    assert.deepEqual(luna.arrived('lunash:sysconf regenCert'), []);
  });
});

describe('Two people on one appliance', function () {
  this.timeout(60_000);
  let luna: LunaSteps;
  afterEach(() => luna?.stop());

  it('are signed in at once, and hsm login belongs to the shell that it was typed in', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    const [anna, otto] = await Promise.all([person(luna), person(luna)]);
    await anna.type('hsm login');
    assert.match(await anna.type(luna.kept('hsm-so-password')), /'hsm login' successful/);
    assert.match(await anna.type('hsm show'), /HSM Admin login status: +Logged In/);
    assert.match(await otto.type('hsm show'), /HSM Admin login status: +Not Logged In/);
    assert.match(await otto.type('partition create -partition second -force'), /1010000 : LUNA_RET_USER_NOT_LOGGED_IN/);
    assert.match(await anna.type('partition create -partition second -force'), /'partition create' successful/);
    anna.leave();
    otto.leave();
  });
});
