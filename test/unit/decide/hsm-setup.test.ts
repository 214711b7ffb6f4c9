import assert from 'node:assert/strict';
import { isElsewhere } from '../../../activities/clocks.ts';
import { decideAppliancePassword } from '../../../activities/hsm-setup/appliance-password.ts';
import { decideCreatePartition, isRefused } from '../../../activities/hsm-setup/create-partition.ts';
import { decideFipsMode } from '../../../activities/hsm-setup/fips-mode.ts';
import { decideInitializeHsm } from '../../../activities/hsm-setup/initialize-hsm.ts';
import { decideInspectHsm } from '../../../activities/hsm-setup/inspect-hsm.ts';
import { decidePrepareNtls } from '../../../activities/hsm-setup/prepare-ntls.ts';
import { type Decided, table } from '../../support/decisions.ts';
import { exampleRequest } from '../../support/example.ts';
import { zeroizedHsm } from '../../support/stub-activities.ts';

const request = exampleRequest();
const ours = { ...zeroizedHsm, label: 'LunaHSM', zeroized: false };
const fresh = { ...ours, label: '', zeroized: true, soAttemptsLeft: 0 };
const job = { target: 't', request };
const pinned = { address: '172.22.1.4', pin: 'SHA256:x' };

table('inspect-hsm', [
  ['as Azure delivers it', decideInspectHsm({ hsm: fresh, eth0: '172.22.1.4', clock: '', clockIsKnown: true }, { ...job, hsm: pinned }), 'done'],
  ['ours from an earlier run', decideInspectHsm({ hsm: ours, eth0: '172.22.1.4', clock: '', clockIsKnown: true }, { ...job, hsm: pinned }), 'done'],
  [
    'somebody else’s label',
    decideInspectHsm({ hsm: { ...ours, label: 'Theirs' }, eth0: '172.22.1.4', clock: '', clockIsKnown: true }, { ...job, hsm: pinned }),
    'stop Unsafe',
  ],
  [
    'another appliance than deployed',
    decideInspectHsm({ hsm: fresh, eth0: '172.22.1.9', clock: '', clockIsKnown: true }, { ...job, hsm: pinned }),
    'stop Refused',
  ],
]);

const proven = { 'so-password': 'accepted' } as const;
const seen = { hsm: ours, soRefused: false, isDone: false, ownership: 'known' } as const;
table('initialize-hsm', [
  ['zeroized', decideInitializeHsm({ ...seen, hsm: fresh }, job, {}), 'act initialize'],
  ['zeroized again after this step initialized it', decideInitializeHsm({ ...seen, hsm: fresh, isDone: true }, job, {}), 'stop Unsafe'],
  ['of our label, and known as ours', decideInitializeHsm(seen, job, {}), 'prove so-password'],
  ['of our label, and no entry shows that it is ours', decideInitializeHsm({ ...seen, ownership: 'none' }, job, {}), 'act doubt'],
  ['of our label, and a person is to be told', decideInitializeHsm({ ...seen, ownership: 'told' }, job, {}), 'stop Unsafe'],
  ['of our label, and a person who was told ordered a retry', decideInitializeHsm({ ...seen, ownership: 'confirmed' }, job, {}), 'prove so-password'],
  ['zeroized, and no entry shows that it is ours', decideInitializeHsm({ ...seen, hsm: fresh, ownership: 'none' }, job, {}), 'act initialize'],
  ['ours, opened with the kept password', decideInitializeHsm(seen, job, proven), 'done'],
  ['of our label, and the kept password was refused before the crash', decideInitializeHsm({ ...seen, soRefused: true }, job, {}), 'stop Unsafe'],
  ['somebody else’s', decideInitializeHsm({ ...seen, hsm: { ...ours, label: 'Theirs' } }, job, {}), 'stop Unsafe'],
  ['two attempts left', decideInitializeHsm({ ...seen, hsm: { ...ours, soAttemptsLeft: 2 } }, job, {}), 'stop Unsafe'],
  ['two attempts left, though it opened a moment ago', decideInitializeHsm({ ...seen, hsm: { ...ours, soAttemptsLeft: 2 } }, job, proven), 'stop Unsafe'],
]);

const approved = { approvedDigest: ours.digest, approvalId: 'approve-zeroize-1', request };
const asked = { hsm: ours, soRefused: false, begun: 'no', approvalUsed: false, approvalGranted: true } as const;
const on = { ...asked, hsm: { ...ours, fips: true, digest: 'other' } } as const;
const fips = (change: Partial<Parameters<typeof decideFipsMode>[0]>, proofs = {}) => decideFipsMode({ ...asked, ...change }, approved, proofs);
table('fips-mode', [
  ['exactly what was approved', fips({}), 'act turn-on'],
  ['exactly what was approved, but nobody is on record for that', fips({ approvalGranted: false }), 'stop Unsafe'],
  ['something else than was approved', fips({ hsm: { ...ours, digest: 'other' } }), 'done'],
  ['on already, whatever was approved', fips(on), 'prove so-password'],
  ['on already and opened, whatever was approved', fips(on, proven), 'done'],
  ['on, and the kept password was refused before the crash', fips({ ...on, soRefused: true }), 'stop Unsafe'],
  ['to be turned on, and the kept password was refused before the crash', fips({ soRefused: true }), 'stop Unsafe'],
  ['on already, on somebody else’s HSM', fips({ hsm: { ...on.hsm, label: 'TheirHSM' } }), 'stop Unsafe'],
  ['on already, and the SO’s password was mistyped', fips({ hsm: { ...on.hsm, soAttemptsLeft: 2 } }), 'stop Unsafe'],
  ['on, and zeroized by it', fips({ hsm: { ...fresh, fips: true } }), 'act initialize'],
  ['zeroized by somebody', decideFipsMode({ ...asked, hsm: fresh }, { ...approved, approvedDigest: fresh.digest }, {}), 'stop Unsafe'],
  ['initialized by somebody, with our digest', fips({ hsm: { ...ours, label: 'TheirHSM' } }), 'stop Unsafe'],
  ['one attempt left', fips({ hsm: { ...ours, soAttemptsLeft: 1 } }), 'stop Unsafe'],
  ['begun by an attempt before, and not on', fips({ begun: 'before', approvalUsed: true }), 'act note-unchanged'],
  ['begun by an attempt before, and on', fips({ ...on, begun: 'before', approvalUsed: true }), 'prove so-password'],
  ['begun before under another approval, and not on', fips({ begun: 'before' }), 'act note-unchanged'],
  ['its approval was used, and it did not take effect', fips({ approvalUsed: true }), 'done'],
  ['begun by this attempt, and not on: the same change again, which converge refuses', fips({ begun: 'now', approvalUsed: true }), 'act turn-on'],
]);

it('fips-mode names the approval that the target record does not have', () => {
  const { problem } = fips({ approvalGranted: false }) as Decided;
  assert.equal(problem?.code, 'APPROVAL_NOT_ON_RECORD');
  assert.match(`${problem.summary} ${problem.remedy}`, /approve-zeroize-1.*Nothing was erased/);
});

it('fips-mode says that what it found is not what was approved, and that an approval allows one attempt', () => {
  const changed = { ...ours, digest: 'other' };
  assert.deepEqual((fips({ hsm: changed }) as Decided).result, { outcome: 'changed-since-approval', hsm: changed });
  assert.deepEqual((fips({ approvalUsed: true }) as Decided).result, { outcome: 'approval-used', hsm: ours });
});

const known = { withheld: {}, isFirstContact: false, isReplaceBegun: false };
const contact = (proofs: Parameters<typeof decideAppliancePassword>[2], before: Parameters<typeof decideAppliancePassword>[0] = known) =>
  decideAppliancePassword(before, { hsmAddress: '172.22.1.4' }, proofs);
const first = { ...known, isFirstContact: true };
const unheard = { ...known, withheld: { kept: 'unheard' } } as const;
table('appliance-password', [
  ['known from before', contact({}), 'prove kept'],
  ['the kept one works', contact({ kept: { is: 'accepted', pin: 'p' } }), 'done'],
  ['the kept one is refused', contact({ kept: { is: 'refused' } }), 'prove factory'],
  ['the kept one was refused before the crash', contact({}, { ...known, withheld: { kept: 'refused' } }), 'prove factory'],
  ['the factory one works', contact({ kept: { is: 'refused' }, factory: { is: 'to be changed', pin: 'p' } }), 'act replace'],
  ['neither works', contact({ kept: { is: 'refused' }, factory: { is: 'refused' } }), 'stop Refused'],
  ['neither worked before the crash', contact({}, { ...known, withheld: { kept: 'refused', factory: 'refused' } }), 'stop Refused'],
  ['nobody heard what came of the kept one', contact({}, unheard), 'prove factory'],
  ['the same, and the factory one is refused', contact({ factory: { is: 'refused' } }, unheard), 'stop Refused'],
  ['the same, and it was being replaced', contact({ factory: { is: 'refused' } }, { ...unheard, isReplaceBegun: true }), 'prove kept'],
  ['the same again', contact({}, { ...unheard, withheld: { kept: 'unheard', factory: 'refused' }, isReplaceBegun: true }), 'stop Refused'],
  ['at the very first contact', contact({}, first), 'prove factory'],
  ['at the very first contact, and the factory one works', contact({ factory: { is: 'to be changed', pin: 'p' } }, first), 'act replace'],
  ['the factory one worked, and its sign-in entered the host key', contact({ factory: { is: 'to be changed', pin: 'p' } }), 'act replace'],
  ['at the very first contact, and the factory one is refused', contact({ factory: { is: 'refused' } }, first), 'prove kept'],
]);

it('appliance-password says where nobody heard whether the kept password is right', () => {
  const stopped = contact({ factory: { is: 'refused' } }, unheard) as { problem: { summary: string; remedy: string } };
  assert.match(`${stopped.problem.summary} ${stopped.problem.remedy}`, /last sign-in.*received no response.*retrying signs in once more/);
});

const partition = { serial: '1', name: 'luna_part', objects: 0, usedBytes: 0, totalBytes: 10_000 };
const room = { partitionsAllowed: 10, freeBytes: 10_000 };
const create = (partitions: (typeof partition)[], more: object = {}) =>
  decideCreatePartition({ partitions, capacity: room, remembered: 'no', soRefused: false, ...more }, job);
const named = (name: string) => ({ ...partition, name });
table('create-partition', [
  ['none of that name', create([named('other')]), 'act create'],
  ['there, and its serial kept', create([partition], { remembered: 'kept' }), 'done'],
  ['there, empty and of our size, and nothing shows whose', create([partition]), 'act doubt'],
  ['there, empty and of our size, and a person is to be told', create([partition], { remembered: 'told' }), 'stop Unsafe'],
  ['there, empty and of our size, and a person who was told ordered a retry', create([partition], { remembered: 'confirmed' }), 'act keep'],
  ['there, empty and of our size, and begun', create([partition], { remembered: 'begun' }), 'act keep'],
  ['there with objects, and nothing shows whose', create([{ ...partition, objects: 2 }]), 'act doubt'],
  ['there with objects, and a person is to be told', create([{ ...partition, objects: 2 }], { remembered: 'told' }), 'stop Unsafe'],
  ['there with objects, and a person who was told ordered a retry', create([{ ...partition, objects: 2 }], { remembered: 'confirmed' }), 'act keep'],
  ['there with objects, and begun', create([{ ...partition, objects: 2 }], { remembered: 'begun' }), 'act doubt'],
  [
    'of another size and in use, though a person ordered a retry',
    create([{ ...partition, totalBytes: 5, objects: 2 }], { remembered: 'confirmed' }),
    'stop Unsafe',
  ],
  ['rounded by the HSM, with its root keys, from an earlier run', create([{ ...partition, totalBytes: 10_240, objects: 2 }], { remembered: 'kept' }), 'done'],
  ['of another size, empty', create([{ ...partition, totalBytes: 5 }]), 'act doubt'],
  ['of another size, empty, and a person is to be told', create([{ ...partition, totalBytes: 5 }], { remembered: 'told' }), 'stop Unsafe'],
  ['of another size and in use', create([{ ...partition, totalBytes: 5, objects: 2 }], { remembered: 'told' }), 'stop Unsafe'],
  ['begun, and rounded by the HSM', create([{ ...partition, totalBytes: 10_240 }], { remembered: 'begun' }), 'act keep'],
  ['begun, but of another size and in use', create([{ ...partition, totalBytes: 10_240, objects: 2 }], { remembered: 'begun' }), 'act doubt'],
  ['begun, but far larger', create([{ ...partition, totalBytes: 50_000 }], { remembered: 'begun' }), 'act doubt'],
  ['begun, and nothing there', create([], { remembered: 'begun' }), 'act create'],
  ['none of that name, and the kept SO password was refused before the crash', create([], { soRefused: true }), 'stop Unsafe'],
  ['nine of ten partitions', create('123456789'.split('').map(named)), 'act create'],
  ['all ten partitions', create('123456789A'.split('').map(named)), 'stop Refused'],
  ['one byte too few', create([], { capacity: { ...room, freeBytes: 9_999 } }), 'stop Refused'],
  ['a version that does not tell its room', create([], { capacity: {} }), 'act create'],
]);

it('create-partition counts as refused only what LunaSH refused: an answer that is not whole leaves open what was done', () => {
  const outcome = { text: '', result: 0, errors: [], codes: [], successes: [] };
  const refused = [{ errors: ['Error: no'] }, { result: 65535 }, { result: undefined }, {}].map((part) => isRefused({ ...outcome, ...part }));
  assert.deepEqual(refused, [true, true, false, false]);
});

it('create-partition offers to take a partition over as it is, and no deletion where it holds keys', () => {
  const remedyOf = (found: typeof partition) => (create([found], { remembered: 'told' }) as { problem: { remedy: string } }).problem.remedy;
  assert.match(remedyOf({ ...partition, objects: 2 }), /root of trust, retry\. .*amendment of \/hsm\/partition\/name\. It holds keys: do not delete it\.$/);
  assert.match(remedyOf({ ...partition, totalBytes: 5 }), /root of trust, retry with an amendment of \/hsm\/partition\/sizeBytes to 5\. Otherwise/);
});

const ntls = {
  skewSeconds: 0,
  zone: 'EDT',
  zoneHours: -4,
  workerMs: Date.parse('2026-11-24T10:00:00Z'),
  witnesses: [],
  clients: [],
  device: 'none',
  running: true,
  serverCertificate: '',
  isReplaced: false,
  prepared: false,
};
const off = (skewSeconds: number, ...ahead: number[]) =>
  decidePrepareNtls({ ...ntls, skewSeconds, witnesses: ahead.map((aheadSeconds, at) => ({ name: `witness ${at}`, aheadSeconds })) }, job);

it('prepare-ntls shows all clocks with their zones where it cannot say which one is wrong', () => {
  const stopped = off(-3600, -3600, -3599) as { problem: { summary: string; remedy: string } };
  assert.equal(
    stopped.problem.summary,
    'the clocks differ: worker 2026-11-24 10:00:00 UTC; HSM 2026-11-24 09:00:00 UTC (zone EDT) (60 min behind); ' +
      'witness 0 2026-11-24 09:00:00 UTC (60 min behind); witness 1 2026-11-24 09:00:01 UTC (60 min behind)',
  );
  assert.match(stopped.problem.remedy, /was not set.*fix it \(NTP\)/);
});

it('Temporal counts as a witness on another machine only', () => {
  const of = (address: string | undefined) => isElsewhere(address);
  assert.deepEqual(['temporal.internal:7233', '10.0.0.9:7233', '[2001:db8::1]:7233'].map(of), [true, true, true]);
  assert.deepEqual([undefined, 'localhost:7233', '127.0.0.1:7233', '127.1.2.3:7233', '[::1]:7233', '0.0.0.0:7233'].map(of), Array(6).fill(false));
});

table('prepare-ntls', [
  ['no client yet', decidePrepareNtls(ntls, job), 'act prepare'],
  ['no client yet, and this run replaced the certificate', decidePrepareNtls({ ...ntls, isReplaced: true }, job), 'act bind'],
  ['prepared, and not bound: nothing is made again', decidePrepareNtls({ ...ntls, prepared: true }, job), 'stop Unsafe'],
  ['clients registered and not bound', decidePrepareNtls({ ...ntls, clients: ['a'] }, job), 'stop Refused'],
  ['clients registered, bound, stopped', decidePrepareNtls({ ...ntls, clients: ['a'], device: 'eth0', running: false }, job), 'act restart'],
  ['ten minutes off, it may be set, and two others agree with the worker', off(600, 0, -2), 'act set-clock'],
  ['ten minutes off, and three others are not of one mind', off(600, 0, -600, 59), 'act set-clock'],
  ['ten minutes off by the worker alone', off(600), 'stop Refused'],
  ['ten minutes off, and only one other agrees', off(600, 0), 'stop Refused'],
  ['an hour behind the worker, as all others are', off(-3600, -3600, -3601), 'stop Refused'],
  ['an hour behind the worker, and one of two others agrees', off(-3600, 0, -3600), 'stop Refused'],
  ['ten minutes off, and it may not', decidePrepareNtls({ ...ntls, skewSeconds: -600 }, { request: { ...request, allowClockChange: false } }), 'stop Refused'],
]);
