import assert from 'node:assert/strict';
import type { DataOf, Entry, EventOf, Subject, Writer } from '../../stores/record/events.ts';
import {
  applianceWithheld,
  beganPartition,
  createdPartition,
  doubtOf,
  erasedAfterLastProof,
  holdsFirstPassword,
  isApplianceAccepted,
  isKnownHsm,
  isOurs,
  isUsed,
  leftOpen,
  mayHoldKeptPassword,
  openCreateTag,
  openErase,
  refusedUnder,
  sentSetups,
  signInsSinceAccepted,
  standingOf,
} from '../../stores/record/memory.ts';
import { createRecords } from '../../stores/record/record.ts';
import { memoryNumberedStore } from '../support/numbered-store.ts';

const writer: Writer = { jobId: 'kylo', runId: 'run-1', execution: 'step', attempt: 1, retry: 1 };

/** Entries as they are read, so that every event in these tests passes its schema. */
async function entries<S extends Subject>(subject: S, ...events: { [E in EventOf<S>]: [event: E, data: DataOf<S, E>, by?: Partial<Writer>] }[EventOf<S>][]) {
  const records = createRecords(memoryNumberedStore(shared));
  shared.clear();
  for (const [event, data, by] of events) {
    const record = records.of('kylo', subject, { ...writer, ...by });
    await record.read();
    await record.append(event, data as DataOf<S, EventOf<S>>);
  }
  return records.of('kylo', subject, writer).read() as Promise<Entry<S>[]>;
}
const shared = new Map<string, string>();

describe('What a record says', () => {
  it('tells which password was refused under the same decision of a person', async () => {
    const so = await entries('hsm', ['so-sign-in', { outcome: 'tried' }], ['so-sign-in', { outcome: 'refused' }]);
    assert.ok(refusedUnder(so, { role: 'so' }, writer));
    for (const other of [{ retry: 2 }, { execution: 'step-2' }, { runId: 'run-2' }]) assert.ok(!refusedUnder(so, { role: 'so' }, { ...writer, ...other }));
    const co = { role: 'co', partitionSerial: '1' } as const;
    const kept = await entries('hsm', ['co-sign-in', { outcome: 'tried', partitionSerial: '1' }], ['co-sign-in', { outcome: 'refused', partitionSerial: '1' }]);
    assert.deepEqual([refusedUnder(kept, co, writer), refusedUnder(kept, { ...co, first: true }, writer)], [true, false]);
    assert.ok(!refusedUnder(kept, { ...co, partitionSerial: '2' }, writer));
    const changed = await entries(
      'hsm',
      ['co-sign-in', { outcome: 'refused', partitionSerial: '1' }],
      ['co-sign-in', { outcome: 'accepted', partitionSerial: '1', first: true }],
    );
    assert.ok(!refusedUnder(changed, co, writer), 'the first password was accepted since, and may have been replaced by the kept one');
    const unknown = await entries('hsm', ['so-sign-in', { outcome: 'tried' }]);
    assert.ok(!refusedUnder(unknown, { role: 'so' }, writer), 'the HSM tells how many attempts are left');
  });

  it('forgets that the appliance refused a password once the kept one began to replace the factory’s', async () => {
    const refused = ['appliance-sign-in', { password: 'kept', outcome: 'refused' }] as const;
    assert.equal(applianceWithheld(await entries('hsm', [...refused]), 'kept', writer), 'refused');
    assert.equal(applianceWithheld(await entries('hsm', [...refused], ['appliance-password-replace-begun', {}]), 'kept', writer), undefined);
  });

  it('withholds the kept password of the appliance that nobody heard the outcome of, unless it was accepted in this run', async () => {
    const tried = ['appliance-sign-in', { password: 'kept', outcome: 'tried' }] as const;
    const accepted = (runId: string) => ['appliance-sign-in', { password: 'kept', outcome: 'accepted' }, { runId }] as const;
    const withheld = async (...events: Parameters<typeof entries<'hsm'>>[1][]) => applianceWithheld(await entries('hsm', ...events), 'kept', writer);
    assert.deepEqual(
      [
        await withheld([...tried]),
        await withheld([...accepted('run-0')], [...tried]),
        await withheld([...accepted('run-1')], [...tried]),
        await withheld([...tried], [...accepted('run-1')]),
      ],
      ['unheard', 'unheard', undefined, undefined],
    );
    const hsm = await entries('hsm', [...tried], ['appliance-sign-in', { password: 'factory', outcome: 'tried' }]);
    assert.deepEqual([applianceWithheld(hsm, 'kept', { ...writer, retry: 2 }), applianceWithheld(hsm, 'factory', writer)], [undefined, undefined]);
  });

  it('tells whether the appliance accepted the kept password last, and whether it may have it at all', async () => {
    const told = async (...events: Parameters<typeof entries<'hsm'>>[1][]) => {
      const hsm = await entries('hsm', ...events);
      return [isApplianceAccepted(hsm), mayHoldKeptPassword(hsm)];
    };
    const accepted = ['appliance-sign-in', { password: 'kept', outcome: 'accepted' }] as const;
    const refused = ['appliance-sign-in', { password: 'kept', outcome: 'refused' }] as const;
    assert.deepEqual(
      [
        await told(),
        await told([...refused]),
        await told([...accepted]),
        await told([...accepted], [...refused]),
        await told(['appliance-password-replace-begun', {}]),
      ],
      [
        [false, false],
        [false, false],
        [true, true],
        [false, true],
        [false, true],
      ],
    );
  });

  it('tells whether another run, or this execution before a reset, left something open at the HSM', async () => {
    const begun = (by: Partial<Writer>) => entries('hsm', ['partition-create-begun', { name: 'p' }, by]);
    const signIn = (outcome: 'tried' | 'accepted') => entries('hsm', ['so-sign-in', { outcome }, { runId: 'run-0' }]);
    const ended = entries(
      'hsm',
      ['erase-begun', { act: 'a', approvalId: 'a', digest: 'd' }],
      ['erase-ended', { act: 'a', outcome: 'not-erased' }, { runId: 'run-0' }],
    );
    const open = [
      await ended,
      await entries('hsm'),
      await begun({ runId: 'run-0' }),
      await begun({}),
      await begun({ execution: 'step-before' }),
      await signIn('tried'),
      await signIn('accepted'),
    ];
    assert.deepEqual(
      open.map((hsm) => leftOpen(hsm, writer)?.n),
      [undefined, undefined, 1, 1, undefined, 1, undefined],
    );
  });

  it('tells of what another run left open until somebody waited for it: steps that only look enter sign-ins to the appliance, and wait for nothing', async () => {
    const erase = ['erase-begun', { act: 'a', approvalId: 'a', digest: 'd' }, { runId: 'run-0' }] as const;
    const signIn = (runId: string, outcome: 'tried' | 'accepted') =>
      ['appliance-sign-in', { password: 'kept', outcome }, { runId, execution: 'looks' }] as const;
    const rows: [what: string, events: Parameters<typeof entries<'hsm'>>[1][], open: string | undefined][] = [
      ['only looked at since', [[...erase], [...signIn('run-1', 'tried')], [...signIn('run-1', 'accepted')]], 'erase-begun'],
      ['a replaced attempt of the same run heard late that its sign-in was accepted', [[...erase], [...signIn('run-0', 'accepted')]], 'erase-begun'],
      ['the same run went on', [[...erase], ['initialize-begun', {}, { runId: 'run-0' }], ['initialized', {}, { runId: 'run-0' }]], undefined],
      ['waited for', [[...erase], ['left-open-awaited', { entry: 1 }, { execution: 'waits' }], [...signIn('run-1', 'tried')]], undefined],
      ['a further run, which waited, began something else', [[...erase], ['initialize-begun', {}, { runId: 'run-0a' }]], 'initialize-begun'],
      ['another step of this run went on from it', [[...erase], ['initialize-begun', {}, { execution: 'another' }]], undefined],
      ['clientconfig deploy', [['client-deploy-begun', { client: 'c' }, { runId: 'run-0' }]], 'client-deploy-begun'],
      ['ntls bind', [['command-begun', { command: 'ntls bind eth0' }, { runId: 'run-0' }]], 'command-begun'],
      ['a partition that was not created', [['partition-not-created', { name: 'p' }, { runId: 'run-0' }]], undefined],
    ];
    for (const [what, events, open] of rows) assert.equal(leftOpen(await entries('hsm', ...events), writer)?.event, open, what);
  });

  it('knows an HSM as ours by an initialization that was begun, or an accepted password of its SO', async () => {
    const known = async (...events: Parameters<typeof entries<'hsm'>>[1][]) => isKnownHsm(await entries('hsm', ...events), '1');
    assert.deepEqual(
      [
        await known(),
        await known(['so-sign-in', { outcome: 'tried' }], ['so-sign-in', { outcome: 'refused' }]),
        await known(['ownership-doubted', { of: 'hsm', serial: '1' }]),
        await known(['so-sign-in', { outcome: 'accepted' }]),
        await known(['initialize-begun', {}]),
      ],
      [false, false, false, true, true],
    );
  });

  it('knows an HSM by its serial, and by entries without one only where no entry names another', async () => {
    const known = async (...events: Parameters<typeof entries<'hsm'>>[1][]) => {
      const hsm = await entries('hsm', ...events);
      return ['1', '2'].map((serial) => isKnownHsm(hsm, serial));
    };
    const signIn = (serial?: string) =>
      ['so-sign-in', { outcome: 'accepted', ...(serial === undefined ? {} : { serial }) }] as ['so-sign-in', DataOf<'hsm', 'so-sign-in'>];
    assert.deepEqual(
      [
        await known(['initialize-begun', { serial: '1' }]),
        await known(['initialize-begun', {}], ['initialized', { serial: '1' }]),
        await known(signIn('1')),
        await known(signIn('1'), signIn()),
        await known(['initialize-begun', { serial: '1' }], ['initialize-begun', { serial: '2' }]),
        await known(signIn()),
      ],
      [
        [true, false],
        [true, false],
        [true, false],
        [true, false],
        [true, true],
        [true, true],
      ],
    );
  });

  it('tells whether a person was told in this run that nothing shows whose an HSM or partition is, and ordered a retry since', async () => {
    const hsm = await entries('hsm', ['ownership-doubted', { of: 'hsm', serial: '1' }]);
    const [mine, later] = [writer, { ...writer, execution: 'step-2', retry: 2 }];
    assert.deepEqual(
      [mine, later, { ...later, runId: 'run-2' }].map((by) => doubtOf(hsm, { of: 'hsm', serial: '1' }, by)),
      ['told', 'confirmed', 'none'],
    );
    assert.deepEqual([doubtOf(hsm, { of: 'hsm', serial: '2' }, later), doubtOf(hsm, { of: 'partition', serial: '1' }, later)], ['none', 'none']);
  });

  it('tells what may have erased the HSM after the crypto officer opened the partition last', async () => {
    const proved = ['co-sign-in', { outcome: 'accepted', partitionSerial: '1' }] as const;
    assert.equal(erasedAfterLastProof(await entries('hsm', ['initialize-begun', {}], [...proved])), undefined);
    assert.equal(erasedAfterLastProof(await entries('hsm', [...proved], ['initialize-begun', {}]))?.event, 'initialize-begun');
  });

  it('counts sign-ins since the last accepted one, of each role and partition alone', async () => {
    const hsm = await entries(
      'hsm',
      ['so-sign-in', { outcome: 'tried' }],
      ['so-sign-in', { outcome: 'refused' }],
      ['so-sign-in', { outcome: 'tried' }],
      ['so-sign-in', { outcome: 'accepted' }],
      ['so-sign-in', { outcome: 'tried' }],
      ['co-sign-in', { outcome: 'tried', partitionSerial: '1' }],
      ['co-sign-in', { outcome: 'refused', partitionSerial: '1' }],
      ['co-sign-in', { outcome: 'tried', partitionSerial: '2' }],
    );
    assert.deepEqual(signInsSinceAccepted(hsm, 'so'), { tried: 1, refused: 0 });
    assert.deepEqual(signInsSinceAccepted(hsm, 'co', '1'), { tried: 1, refused: 1 });
    assert.deepEqual(signInsSinceAccepted(hsm, 'co', '2'), { tried: 1, refused: 0 });
    assert.deepEqual(signInsSinceAccepted(hsm, 'po', '1'), { tried: 0, refused: 0 });
  });

  it('counts sign-ins since the last accepted one, not since the first', async () => {
    const tries = (...outcomes: ('accepted' | 'refused')[]) =>
      outcomes.flatMap((outcome): ['so-sign-in', { outcome: 'tried' | 'accepted' | 'refused' }][] => [
        ['so-sign-in', { outcome: 'tried' }],
        ['so-sign-in', { outcome }],
      ]);
    const hsm = await entries('hsm', ...tries('accepted', 'refused', 'refused', 'accepted', 'refused'));
    assert.deepEqual(signInsSinceAccepted(hsm, 'so'), { tried: 1, refused: 1 });
  });

  it('knows whether a temporary password may still hold', async () => {
    const begun = ['role-initialize-begun', { role: 'co', partitionSerial: '1' }] as const;
    assert.equal(holdsFirstPassword(await entries('hsm'), 'co', '1'), false);
    assert.equal(holdsFirstPassword(await entries('hsm', [...begun]), 'co', '1'), true);
    assert.equal(holdsFirstPassword(await entries('hsm', [...begun]), 'co', '2'), false);
    const over = ['role-first-password-over', { role: 'co', partitionSerial: '1' }] as const;
    assert.equal(holdsFirstPassword(await entries('hsm', [...begun], [...over]), 'co', '1'), false);
    assert.equal(holdsFirstPassword(await entries('hsm', [...begun], [...over], [...begun]), 'co', '1'), true);
  });

  it('knows an act that erases and whose outcome nobody saw', async () => {
    const begun = ['erase-begun', { act: 'fips-mode', approvalId: 'a', digest: 'd' }] as const;
    const ended = (outcome: 'erased' | 'unknown') =>
      ['erase-ended', { act: 'fips-mode', outcome }] as ['erase-ended', { act: string; outcome: 'erased' | 'unknown' }];
    assert.equal(openErase(await entries('hsm')), undefined);
    assert.equal(openErase(await entries('hsm', [...begun]))?.n, 1);
    assert.equal(openErase(await entries('hsm', [...begun], ended('unknown')))?.n, 1, 'unknown is no outcome');
    assert.equal(openErase(await entries('hsm', [...begun], ended('erased'))), undefined);
  });

  it('knows which partitions were created here, and which may have been', async () => {
    const begun = ['partition-create-begun', { name: 'kylo' }] as const;
    const created = ['partition-created', { serial: '154', name: 'kylo', sizeBytes: 10_000 }] as const;
    assert.equal(beganPartition(await entries('hsm', [...begun]), 'kylo'), true);
    assert.equal(beganPartition(await entries('hsm', [...begun]), 'other'), false);
    const both = await entries('hsm', [...begun], [...created]);
    assert.deepEqual([createdPartition(both, '154'), createdPartition(both, '155'), beganPartition(both, 'kylo')], [true, false, false]);
    const refused = await entries('hsm', [...begun], ['partition-not-created', { name: 'kylo' }]);
    assert.equal(beganPartition(refused, 'kylo'), false, 'somebody heard that it was not');
  });

  it('knows what became of each hsm/setup', async () => {
    const sent = (id: string) =>
      ['setup-sent', { id, partitionSerial: '154', hsmAddress: '172.22.1.4' }] as ['setup-sent', DataOf<'ciphertrust', 'setup-sent'>];
    const manager = await entries(
      'ciphertrust',
      sent('lost'),
      ['setup-unknown', { id: 'lost', evidence: 'no answer within 60 s' }],
      ['setup-told', { id: 'lost' }, { retry: 2, execution: 'retried' }],
      sent('kept-back'),
      ['setup-not-sent', { id: 'kept-back', evidence: 'connection refused' }],
      sent('failed'),
      ['setup-failed', { id: 'failed', status: 500 }],
      sent('accepted'),
      ['setup-answered', { id: 'accepted', status: 200 }],
      ['setup-doubted', { doubt: 'clock-skew', evidence: 'the clock is off' }],
      ['admin-password-refused', { which: 'default' }],
      ['secret-given', { machine: '/subscriptions/x', purpose: 'ciphertrust-admin-password' }],
    );
    assert.deepEqual(sentSetups(manager), [
      {
        id: 'lost',
        partitionSerial: '154',
        answered: false,
        failed: false,
        evidence: 'no answer within 60 s',
        toldUnder: { runId: 'run-1', execution: 'retried' },
      },
      { id: 'failed', partitionSerial: '154', answered: true, failed: true, status: 500 },
      { id: 'accepted', partitionSerial: '154', answered: true, failed: false, status: 200 },
    ]);
  });

  it('knows a machine of ours by what it cannot change, or by the tag of a request whose answer was lost', async () => {
    const begun = (tag: string) =>
      ['machine-create-begun', { resourceId: '/x/VM', absent: true, tag }] as ['machine-create-begun', { resourceId: string; absent: true; tag: string }];
    const lost = await entries('windows', begun('t1'), begun('t2'));
    assert.deepEqual([isOurs(lost, '/x/vm', { tag: 't2' }), isOurs(lost, '/x/vm', { tag: 't1' }), isOurs(lost, '/x/vm', {})], [true, false, false]);
    assert.equal(isOurs(lost, '/x/other', { tag: 't2' }), false);
    const created = await entries('windows', begun('t1'), ['machine-created', { resourceId: '/x/vm', vmId: 'v' }]);
    assert.deepEqual(
      [isOurs(created, '/x/vm', { vmId: 'v' }), isOurs(created, '/x/vm', { vmId: 'w', tag: 't1' }), isOurs(created, '/x/vm', { tag: 't1' })],
      [true, false, false],
    );
    const hsm = await entries('deployment', begun('t1'), ['machine-created', { resourceId: '/x/vm', hostKey: 'k' }]);
    assert.deepEqual([isOurs(hsm, '/x/vm', { hostKey: 'k' }), isOurs(hsm, '/x/vm', { hostKey: 'l' })], [true, false]);
  });

  it('knows a machine by its identity though a later request for it was entered, and says which were found', async () => {
    type Begun = ['machine-create-begun', { resourceId: string; absent: true; tag: string }];
    type Created = ['machine-created', { resourceId: string; vmId?: string; hostKey?: string }];
    const begun = (tag: string): Begun => ['machine-create-begun', { resourceId: '/x/vm', absent: true, tag }];
    const created = (identity: { vmId?: string; hostKey?: string }): Created => ['machine-created', { resourceId: '/x/vm', ...identity }];
    const rows: [events: (Begun | Created)[], seen: Parameters<typeof standingOf>[2], standing: ReturnType<typeof standingOf>][] = [
      [[], { vmId: 'v' }, { is: 'unknown' }],
      [[begun('t1')], { vmId: 'v', tag: 't1' }, { is: 'begun' }],
      [[begun('t1')], { vmId: 'v' }, { is: 'other', expected: { tag: 't1' } }],
      [[begun('t1'), created({ vmId: 'v' })], { vmId: 'v', tag: 't1' }, { is: 'ours', found: false }],
      [[begun('t1'), created({ vmId: 'v' })], { vmId: 'w', tag: 't1' }, { is: 'other', expected: { vmId: 'v' } }],
      [[created({ vmId: 'v' })], { vmId: 'v' }, { is: 'ours', found: true }],
      [[begun('t1'), created({ vmId: 'v' }), begun('t2')], { vmId: 'v', tag: 't1' }, { is: 'ours', found: false }],
      [[begun('t1'), created({ vmId: 'v' }), begun('t2')], { vmId: 'w', tag: 't2' }, { is: 'begun' }],
      [[begun('t1'), created({})], { hostKey: 'k' }, { is: 'unidentified' }],
      [[begun('t1'), created({}), created({ hostKey: 'k' })], { hostKey: 'l' }, { is: 'other', expected: { hostKey: 'k' } }],
    ];
    for (const [events, seen, standing] of rows) assert.deepEqual(standingOf(await entries('windows', ...events), '/X/VM', seen), standing);
    assert.equal(openCreateTag(await entries('windows', begun('t1'), created({ vmId: 'v' }), begun('t2')), '/x/vm'), 't2');
    assert.equal(openCreateTag(await entries('windows', begun('t1'), created({ vmId: 'v' })), '/x/vm'), undefined);
  });

  it('knows which approval was used', async () => {
    const used = await entries('approvals', ['approval-used', { approvalId: 'a', digest: 'd' }]);
    assert.deepEqual([isUsed(used, 'a'), isUsed(used, 'b'), isUsed(await entries('approvals'), 'a')], [true, false, false]);
  });

  it('knows that an approval stays used when the workflow is reset, and is not used where its act certainly never began', async () => {
    const used = await entries('approvals', ['approval-used', { approvalId: 'a', digest: 'd', act: 'hsm/setup 1' }, { runId: 'before the reset' }]);
    assert.equal(isUsed(used, 'a'), true);
    assert.deepEqual([isUsed(used, 'a', (act) => act === 'hsm/setup 1'), isUsed(used, 'a', (act) => act === 'hsm/setup 2')], [true, false]);
    const ofNoAct = await entries('approvals', ['approval-used', { approvalId: 'a', digest: 'd' }]);
    assert.equal(
      isUsed(ofNoAct, 'a', () => false),
      true,
      'an entry without its act counts',
    );
  });
});
