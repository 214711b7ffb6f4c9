import assert from 'node:assert/strict';
import { decideVerifyHsm } from '../../activities/hsm/verify-hsm.ts';
import { decideAppliancePassword } from '../../activities/hsm-setup/appliance-password.ts';
import { decideCreatePartition } from '../../activities/hsm-setup/create-partition.ts';
import { decideFipsMode } from '../../activities/hsm-setup/fips-mode.ts';
import { decideInitializeHsm } from '../../activities/hsm-setup/initialize-hsm.ts';
import { decideInspectHsm } from '../../activities/hsm-setup/inspect-hsm.ts';
import { decidePrepareNtls } from '../../activities/hsm-setup/prepare-ntls.ts';
import { decideInstallLunaClient, recentEnough } from '../../activities/luna-client/install-luna-client.ts';
import { decideConnectClient } from '../../activities/partition/connect-client.ts';
import { decideCryptoOfficer } from '../../activities/partition/crypto-officer.ts';
import { decideInitializePartition } from '../../activities/partition/initialize-partition.ts';
import { decideCheckAvailability } from '../../activities/permissions/check-availability.ts';
import { decideCheckFeature } from '../../activities/permissions/check-feature.ts';
import { decideClientCertificate } from '../../activities/root-of-trust/client-certificate.ts';
import { decideRegisterClient } from '../../activities/root-of-trust/register-client.ts';
import { decideSetRootOfTrust } from '../../activities/root-of-trust/set-root-of-trust.ts';
import { decideVerifyRootOfTrust } from '../../activities/root-of-trust/verify-root-of-trust.ts';
import type { ManagerHolds } from '../../domain/results.ts';
import { selfSigned } from '../../simulator/certificates.ts';
import type { Manager } from '../../systems/ciphertrust/ciphertrust.ts';
import { worthTrying } from '../../systems/lunacm/roles.ts';
import type { RoleShown } from '../../systems/lunash/partition-show.ts';
import { type Decided, table } from '../support/decisions.ts';
import { exampleRequest } from '../support/example.ts';
import { zeroizedHsm } from '../support/stub-activities.ts';

const { certificatePem: aCertificate } = await selfSigned({ commonName: '172.22.0.5' });
const request = exampleRequest();
const ours = { ...zeroizedHsm, label: 'LunaHSM', zeroized: false };
const fresh = { ...ours, label: '', zeroized: true, soAttemptsLeft: 0 };
const job = { target: 't', request };
const pinned = { address: '172.22.1.4', pin: 'SHA256:x' };

table('inspect-hsm', [
  ['as Azure delivers it', decideInspectHsm({ hsm: fresh, eth0: '172.22.1.4', clock: '', skewSeconds: 0 }, { ...job, hsm: pinned }), 'done'],
  ['ours from an earlier run', decideInspectHsm({ hsm: ours, eth0: '172.22.1.4', clock: '', skewSeconds: 0 }, { ...job, hsm: pinned }), 'done'],
  [
    'somebody else’s label',
    decideInspectHsm({ hsm: { ...ours, label: 'Theirs' }, eth0: '172.22.1.4', clock: '', skewSeconds: 0 }, { ...job, hsm: pinned }),
    'stop Unsafe',
  ],
  ['another appliance than deployed', decideInspectHsm({ hsm: fresh, eth0: '172.22.1.9', clock: '', skewSeconds: 0 }, { ...job, hsm: pinned }), 'stop Refused'],
]);

table('initialize-hsm', [
  ['zeroized', decideInitializeHsm(fresh, job), 'act initialize'],
  ['ours, opened with the kept password', decideInitializeHsm(ours, job), 'done'],
  ['somebody else’s', decideInitializeHsm({ ...ours, label: 'Theirs' }, job), 'stop Unsafe'],
  ['two attempts left', decideInitializeHsm({ ...ours, soAttemptsLeft: 2 }, job), 'stop Unsafe'],
]);

const approved = { approvedDigest: ours.digest, request };
table('fips-mode', [
  ['exactly what was approved', decideFipsMode(ours, approved), 'act turn-on'],
  ['something else than was approved', decideFipsMode({ ...ours, digest: 'other' }, approved), 'done'],
  ['on already, whatever was approved', decideFipsMode({ ...ours, fips: true, digest: 'other' }, approved), 'done'],
  ['on already, on somebody else’s HSM', decideFipsMode({ ...ours, fips: true, label: 'TheirHSM' }, approved), 'stop Unsafe'],
  ['on already, and the SO’s password was mistyped', decideFipsMode({ ...ours, fips: true, soAttemptsLeft: 2 }, approved), 'stop Unsafe'],
  ['on, and zeroized by it', decideFipsMode({ ...fresh, fips: true }, approved), 'act initialize'],
  ['zeroized by somebody', decideFipsMode(fresh, { approvedDigest: fresh.digest, request }), 'stop Unsafe'],
  ['initialised by somebody, with our digest', decideFipsMode({ ...ours, label: 'TheirHSM' }, approved), 'stop Unsafe'],
  ['one attempt left', decideFipsMode({ ...ours, soAttemptsLeft: 1 }, approved), 'stop Unsafe'],
]);

it('fips-mode says that what it found is not what was approved', () => {
  assert.deepEqual((decideFipsMode({ ...ours, digest: 'other' }, approved) as Decided).result, {
    outcome: 'changed-since-approval',
    hsm: { ...ours, digest: 'other' },
  });
});

table('appliance-password', [
  ['the kept one works', decideAppliancePassword({ password: 'kept', pin: 'p' }, { hsmAddress: '172.22.1.4' }), 'done'],
  ['the factory one works', decideAppliancePassword({ password: 'factory', pin: 'p' }, { hsmAddress: '172.22.1.4' }), 'act replace'],
  ['neither works', decideAppliancePassword({ password: 'neither' }, { hsmAddress: '172.22.1.4' }), 'stop Refused'],
]);

const partition = { serial: '1', name: 'luna_part', objects: 0, usedBytes: 0, totalBytes: 10_000 };
const room = { partitionsAllowed: 10, freeBytes: 10_000 };
const create = (partitions: (typeof partition)[], more: object = {}) => decideCreatePartition({ partitions, capacity: room, remembered: 'no', ...more }, job);
const named = (name: string) => ({ ...partition, name });
table('create-partition', [
  ['none of that name', create([named('other')]), 'act create'],
  ['there, and its serial kept', create([partition], { remembered: 'kept' }), 'done'],
  ['there, of our size, and its serial not kept yet', create([partition]), 'act keep'],
  ['there with its root keys, from an earlier run that kept nothing', create([{ ...partition, objects: 2 }]), 'act keep'],
  ['rounded by the HSM, with its root keys, from an earlier run', create([{ ...partition, totalBytes: 10_240, objects: 2 }], { remembered: 'kept' }), 'done'],
  ['of another size, empty', create([{ ...partition, totalBytes: 5 }]), 'stop Unsafe'],
  ['of another size and in use', create([{ ...partition, totalBytes: 5, objects: 2 }]), 'stop Unsafe'],
  ['begun, and rounded by the HSM', create([{ ...partition, totalBytes: 10_240 }], { remembered: 'begun' }), 'act keep'],
  ['begun, but of another size and in use', create([{ ...partition, totalBytes: 10_240, objects: 2 }], { remembered: 'begun' }), 'stop Unsafe'],
  ['begun, but far larger', create([{ ...partition, totalBytes: 50_000 }], { remembered: 'begun' }), 'stop Unsafe'],
  ['begun, and nothing there', create([], { remembered: 'begun' }), 'act create'],
  ['nine of ten partitions', create('123456789'.split('').map(named)), 'act create'],
  ['all ten partitions', create('123456789A'.split('').map(named)), 'stop Refused'],
  ['one byte too few', create([], { capacity: { ...room, freeBytes: 9_999 } }), 'stop Refused'],
  ['a version that does not tell its room', create([], { capacity: {} }), 'act create'],
]);

const ntls = { skewSeconds: 0, zoneHours: -4, clients: [], device: 'none', running: true, serverCertificate: '', prepared: false };
table('prepare-ntls', [
  ['no client yet', decidePrepareNtls(ntls, job), 'act prepare'],
  ['prepared, and not bound: nothing is made again', decidePrepareNtls({ ...ntls, prepared: true }, job), 'stop Unsafe'],
  ['clients registered and not bound', decidePrepareNtls({ ...ntls, clients: ['a'] }, job), 'stop Refused'],
  ['clients registered, bound, stopped', decidePrepareNtls({ ...ntls, clients: ['a'], device: 'eth0', running: false }, job), 'act restart'],
  ['ten minutes off, and it may be set', decidePrepareNtls({ ...ntls, skewSeconds: 600 }, job), 'act set-clock'],
  ['ten minutes off, and it may not', decidePrepareNtls({ ...ntls, skewSeconds: -600 }, { request: { ...request, allowClockChange: false } }), 'stop Refused'],
]);

const serial = { partitionSerial: '1', request };
table('connect-client', [
  ['slot there', decideConnectClient({ slots: [{ slot: 0, serial: '1', label: '' }], registered: 'ours' }, serial), 'done'],
  ['another partition’s slot only', decideConnectClient({ slots: [{ slot: 0, serial: '2', label: '' }], registered: 'no' }, serial), 'act deploy'],
  ['registered with our certificate, no slot', decideConnectClient({ slots: [], registered: 'ours' }, serial), 'act redeploy'],
  ['registered with another certificate', decideConnectClient({ slots: [], registered: 'foreign' }, serial), 'stop Unsafe'],
]);

const info = { label: '', serial: '1', initialised: false, cryptoOfficer: false };
table('initialize-partition', [
  ['new', decideInitializePartition({ info, objects: 0 }, job), 'act initialize'],
  ['ours', decideInitializePartition({ info: { ...info, label: 'luna_part', initialised: true }, objects: 2 }, job), 'done'],
  ['labelled by somebody else', decideInitializePartition({ info: { ...info, label: 'theirs', initialised: true }, objects: 0 }, job), 'stop Unsafe'],
  ['ours and not listed by the HSM', decideInitializePartition({ info: { ...info, label: 'luna_part', initialised: true }, objects: undefined }, job), 'done'],
  ['new, but not listed by the HSM', decideInitializePartition({ info, objects: undefined }, job), 'stop Unsafe'],
  ['initialised without a label', decideInitializePartition({ info: { ...info, initialised: true }, objects: 0 }, job), 'stop Unsafe'],
  ['labelled, though not initialised', decideInitializePartition({ info: { ...info, label: 'theirs' }, objects: 0 }, job), 'stop Unsafe'],
  ['of which no flag is told', decideInitializePartition({ info: { ...info, initialised: undefined }, objects: 0 }, job), 'stop Unsafe'],
  ['not labelled, but not empty', decideInitializePartition({ info, objects: 1 }, job), 'stop Unsafe'],
]);

const first = { initialised: true, attemptsLeft: 10, mustChange: true };
const changed = { ...first, mustChange: false };
const untold = { initialised: true, attemptsLeft: undefined, mustChange: undefined };
const so = { attemptsLeft: 10 };
const nothingSpent = { begun: 0, refused: 0 };
const spent = { po: nothingSpent, co: nothingSpent };
const after = (begun: number, refused: number) => ({ po: { begun, refused }, co: { begun, refused } });
const officer = (seen: Partial<Parameters<typeof decideCryptoOfficer>[0]>) =>
  decideCryptoOfficer({ officer: changed, partitionSo: so, spent, signIn: 'not tried', ...seen });
table('crypto-officer', [
  ['not there yet', officer({ officer: { ...first, initialised: false } }), 'act initialize'],
  [
    'not there yet, and few attempts of the partition SO left',
    officer({ officer: { ...first, initialised: false }, partitionSo: { attemptsLeft: 4 } }),
    'stop Unsafe',
  ],
  [
    'not there yet, and nobody tells the attempts',
    officer({ officer: { ...untold, initialised: false }, partitionSo: { attemptsLeft: undefined } }),
    'act initialize',
  ],
  [
    'not there yet, nobody tells the attempts, and two passwords of the partition SO were refused',
    officer({ officer: { ...untold, initialised: false }, partitionSo: { attemptsLeft: undefined }, spent: after(2, 2) }),
    'stop Unsafe',
  ],
  ['two were refused, and nobody tells the attempts', officer({ officer: untold, signIn: 'refused', spent: after(2, 2) }), 'stop Unsafe'],
  ['one was refused, and nobody tells the attempts', officer({ officer: untold, signIn: 'refused', spent: after(2, 1) }), 'act change-password'],
  ['four were begun, and nobody heard what came of them', officer({ officer: untold, spent: after(4, 0) }), 'stop Unsafe'],
  ['two were refused, and enough are left', officer({ officer: first, spent: after(2, 2) }), 'act change-password'],
  ['nobody tells whether it is there', officer({ officer: { ...untold, initialised: undefined } }), 'stop Unsafe'],
  ['temporary password set and not changed', officer({ officer: first }), 'act change-password'],
  ['temporary password set, and four attempts left', officer({ officer: { ...first, attemptsLeft: 4 } }), 'stop Unsafe'],
  ['changed, and its answer lost: the kept password opens it', officer({ signIn: 'good' }), 'done'],
  ['the kept password opens it, and nothing else is told', officer({ officer: untold, signIn: 'good' }), 'done'],
  ['the kept password is refused, and the first one may hold', officer({ officer: untold, signIn: 'refused' }), 'act change-password'],
  ['the kept password is refused, and the first one does not hold', officer({ signIn: 'refused' }), 'stop Unsafe'],
  ['the kept password must be changed', officer({ signIn: 'expired' }), 'stop Unsafe'],
  ['four attempts left', officer({ officer: { ...changed, attemptsLeft: 4 } }), 'stop Unsafe'],
  ['five attempts left, and the kept password opens it', officer({ officer: { ...changed, attemptsLeft: 5 }, signIn: 'good' }), 'done'],
  ['locked, as is told', officer({ officer: { ...changed, attemptsLeft: 0 } }), 'stop Unsafe'],
  ['locked, as the sign-in tells', officer({ officer: untold, signIn: 'locked' }), 'stop Unsafe'],
]);

describe('The kept password of the crypto officer', () => {
  const rows: [string, RoleShown, boolean, typeof nothingSpent?][] = [
    ['is tried where nothing is told and one was refused', untold, true, { begun: 1, refused: 1 }],
    ['is not tried where nothing is told and two were refused', untold, false, { begun: 2, refused: 2 }],
    ['is not tried where nothing is told and four were begun', untold, false, { begun: 4, refused: 0 }],
    ['is tried on one that has changed it', changed, true],
    ['is tried where nothing is told', untold, true],
    ['is tried with five attempts left', { ...changed, attemptsLeft: 5 }, true],
    ['is not tried with four', { ...changed, attemptsLeft: 4 }, false],
    ['is not tried where the first one holds', first, false],
    ['is not tried where there is no officer', { ...changed, initialised: false }, false],
  ];
  for (const [what, role, tried, co = nothingSpent] of rows) it(what, () => assert.equal(worthTrying({ officer: role, spent: { ...spent, co } }), tried));
});

const generated = { target: 't', request: { ...request, certificate: 'generated' as const } };
table('client-certificate', [
  ['nothing yet', decideClientCertificate({ keyKept: false, certificate: undefined, keyOnHost: 'no' }, job), 'act vtl-createcert'],
  ['nothing yet, made by this service', decideClientCertificate({ keyKept: false, certificate: undefined, keyOnHost: 'no' }, generated), 'act generate-key'],
  ['vtl wrote a key', decideClientCertificate({ keyKept: false, certificate: undefined, keyOnHost: 'usable' }, job), 'act keep-key'],
  ['vtl wrote an encrypted key', decideClientCertificate({ keyKept: false, certificate: undefined, keyOnHost: 'unusable' }, job), 'stop Refused'],
  [
    'an encrypted key is there, made by this service',
    decideClientCertificate({ keyKept: false, certificate: undefined, keyOnHost: 'unusable' }, generated),
    'act remove-key',
  ],
  ['kept, still on the host', decideClientCertificate({ keyKept: true, certificate: undefined, keyOnHost: 'usable' }, job), 'act remove-key'],
  ['kept, certificate gone', decideClientCertificate({ keyKept: true, certificate: undefined, keyOnHost: 'no' }, job), 'act sign'],
]);

const client = { name: 'cm', by: 'ip' as const, host: '172.22.0.5', partitions: ['luna_part'], certificateIsOurs: true };
const other = { ...client, certificateIsOurs: false };
const byName = { ...client, by: 'hostname' as const };
const registered = (client: Parameters<typeof decideRegisterClient>[0]['client'], mapping?: string) =>
  decideRegisterClient({ client, mapping, serverCertificate: aCertificate }, job);
table('register-client', [
  ['unknown', registered(undefined), 'act register'],
  ['registered and assigned', registered(client), 'done'],
  ['not assigned', registered({ ...client, partitions: [] }), 'act assign'],
  ['assigned another partition only', registered({ ...client, partitions: ['theirs'] }), 'act assign'],
  ['an earlier certificate of ours', registered({ ...other, certificateWasOurs: true }), 'act replace'],
  ['somebody else’s certificate', registered(other), 'stop Unsafe'],
  ['by host name and not mapped', registered(byName, 'none'), 'act map'],
  ['by host name and mapped to another address', registered(byName, '172.22.0.9'), 'act map'],
  ['by host name and mapped', registered(byName, '172.22.0.5'), 'done'],
  ['by host name, and the mapping is not told', registered(byName), 'done'],
]);

const manager = { cipherTrust: { address: '20.0.0.4', pin: 'A' }, partitionSerial: '1' };
const presented = { subject: 'CN=web', names: '', notBefore: '', notAfter: '', chain: [] };
const wiped = (msAgo?: number) =>
  decideSetRootOfTrust(
    { state: 'wiped', pin: 'B', certificate: presented, ...(msAgo === undefined ? {} : { last: { msAgo, failed: false, notBefore: '' } }) },
    manager,
  );
const empty: ManagerHolds = { name: 'cm', address: '20.0.0.4', version: '2.19', users: [], keys: 0, domains: [], hsms: [], untold: [], digest: 'd' };
const ready = { state: 'ready' as const, servers: [], requests: 0 };
const holding = (change: Partial<ManagerHolds>, more: object = {}) =>
  decideSetRootOfTrust({ ...ready, holds: { ...empty, ...change } }, { ...manager, ...more });
const openFor = (msAgo: number, answer = 'no answer: socket hang up', failed = false) =>
  decideSetRootOfTrust({ ...ready, requests: 1, open: { id: 'a', msAgo, patienceMs: 240_000, answer, failed } }, manager);
const restarting = (change: object = {}) =>
  decideSetRootOfTrust({ state: 'restarting', detail: '502', look: 2, repaired: false, ...change }, { ...manager, publicKey: 'ssh-rsa AAAA' });
const listed = (serial: string | number) => decideSetRootOfTrust({ ...ready, requests: 1, servers: [{ id: 'a', config: { serial } }] }, manager);
table('set-root-of-trust', [
  ['nothing in it', holding({}), 'act set-up'],
  ['ours is listed', listed('1'), 'done'],
  ['ours is listed, its serial as a number', listed(1), 'done'],
  ['restarting', restarting(), 'wait'],
  ['starting for long, ksadmin’s key known', restarting({ look: 61, manager: {} as Manager }), 'act give-key'],
  ['starting for long, the key given', restarting({ look: 61, manager: {} as Manager, repaired: true }), 'wait'],
  ['a page for long', restarting({ look: 61 }), 'wait'],
  ['wiped by what was sent', wiped(60_000), 'done'],
  ['wiped, though nothing was sent', wiped(), 'stop Unsafe'],
  ['another certificate, hours after what was sent', wiped(2 * 3_600_000), 'stop Unsafe'],
  ['as it was, a moment after what was sent', decideSetRootOfTrust({ state: 'settling', sent: { answer: '200' } }, manager), 'wait'],
  ['sent a minute ago, no effect yet', openFor(60_000), 'wait'],
  ['sent long ago, without effect', openFor(300_000), 'act tell'],
  ['it said that it failed', openFor(60_000, 'failed: 500', true), 'act tell'],
]);

it('set-root-of-trust asks before it wipes what a new manager does not have', () => {
  const comesTo = (decision: ReturnType<typeof holding>) =>
    decision.kind === 'done' ? (decision.result.needsApproval ? 'asks' : 'done') : decision.kind === 'act' ? decision.change : decision.kind;
  const rows: [what: string, decision: ReturnType<typeof holding>, expected: string][] = [
    ['a user', holding({ users: ['anna'] }), 'asks'],
    ['a key', holding({ keys: 1 }), 'asks'],
    ['a domain', holding({ domains: ['payments'] }), 'asks'],
    ['other nodes of a cluster', holding({ clustered: true }), 'asks'],
    ['another HSM', holding({ hsms: ['172.22.1.9 7'] }), 'asks'],
    ['keys that are not told', holding({ untold: ['keys'] }), 'asks'],
    ['keys that are not told, in a manager that this job found new', holding({ untold: ['keys'] }, { fresh: true }), 'set-up'],
    ['a user, in a manager that this job found new', holding({ users: ['anna'] }, { fresh: true }), 'asks'],
    ['exactly what was approved', holding({ users: ['anna'] }, { approvedDigest: 'd' }), 'set-up'],
    ['something else than was approved', holding({ users: ['anna'] }, { approvedDigest: 'e' }), 'asks'],
  ];
  for (const [what, decision, expected] of rows) assert.equal(comesTo(decision), expected, what);
});

const proof = {
  version: '2.19',
  servers: [{ id: 'a', config: { host: '172.22.1.4', serial: '1' } }],
  sealer: 'rapido',
  objects: ['DARKSTARKEY-mac-key', 'DARKSTARKEY-encryption-key'],
};
const verify = (change: object) => decideVerifyRootOfTrust({ ...proof, ...change }, { hsm: pinned, partitionSerial: '1' });
table('verify-root-of-trust', [
  ['everything holds', verify({}), 'done'],
  ['no HSM is listed', verify({ servers: [] }), 'stop Unsafe'],
  ['another host is listed', verify({ servers: [{ id: 'a', config: { host: '172.22.1.5', serial: '1' } }] }), 'stop Unsafe'],
  ['the master key is not sealed', verify({ sealer: 'none' }), 'stop Unsafe'],
  ['a root key is missing', verify({ objects: ['DARKSTARKEY-mac-key'] }), 'stop Unsafe'],
  ['the version does not tell who seals', verify({ sealer: undefined }), 'done'],
]);

it('verify-root-of-trust warns of what is not told, and of root keys that are not listed', () => {
  const warnings = (change: object) => {
    const decision = verify(change);
    return decision.kind === 'done' ? decision.result.warnings.length : undefined;
  };
  assert.deepEqual([warnings({ rotKeys: 1 }), warnings({ rotKeys: 0 }), warnings({ sealer: undefined, rotKeys: 0 })], [0, 1, 2]);
});

const resource = { id: 'i', state: 'Succeeded', message: '', location: 'westus2', tags: { Environment: 'prod', resourceType: 'Hsm' }, address: '172.22.1.4' };
table('verify-hsm', [
  ['as deployed', decideVerifyHsm(resource, job), 'done'],
  ['with another address', decideVerifyHsm({ ...resource, address: '172.22.1.5' }, job), 'stop Refused'],
  ['without its tags', decideVerifyHsm({ ...resource, tags: {} }, job), 'stop Refused'],
  ['still on its way', decideVerifyHsm({ ...resource, state: 'Provisioning' }, job), 'wait'],
  ['gone', decideVerifyHsm(undefined, job), 'stop Refused'],
]);

const script = {
  state: 'Succeeded',
  output: 'client-version: 7.4.0-226\nvtl: True\nhost-key: ssh-rsa AAAA x\n',
  error: '',
  sentAt: 2,
  startedAt: 3,
  endedAt: 5,
  askedAt: 1,
  lookedAt: 6,
};
const install = (change: object) => decideInstallLunaClient({ ...script, ...change }, { vm: { id: '', privateAddress: '', reachable: '20.0.0.4' }, request });
table('install-luna-client', [
  ['installed', install({}), 'done'],
  ['running', install({ state: 'Running' }), 'wait'],
  ['running for 76 minutes', install({ state: 'Running', lookedAt: 76 * 60_000 + 1 }), 'stop Refused'],
  [
    'hanging since before a retry was ordered',
    install({ state: 'Running', sentAt: 0, startedAt: 0, askedAt: 76 * 60_000, lookedAt: 76 * 60_000 }),
    'act run-script',
  ],
  [
    'never begun, and sent before a retry was ordered',
    install({ state: 'Pending', sentAt: 0, startedAt: 0, askedAt: 76 * 60_000, lookedAt: 76 * 60_000 }),
    'act run-script',
  ],
  [
    'never begun, and sent a minute before a retry was ordered',
    install({ state: 'Pending', sentAt: 1, startedAt: 1, askedAt: 60_000, lookedAt: 60_000 }),
    'wait',
  ],
  ['failed now without ever having begun', install({ state: 'Failed', startedAt: 2, endedAt: undefined }), 'stop Refused'],
  ['failed without ever having begun, before a retry was ordered', install({ state: 'Failed', sentAt: 0, endedAt: undefined }), 'act run-script'],
  ['failed now', install({ state: 'Failed', error: 'x' }), 'stop Refused'],
  ['failed before a retry was ordered', install({ state: 'Failed', sentAt: 0 }), 'act run-script'],
  ['says nothing', install({ output: '' }), 'stop Refused'],
  ['an old client', install({ output: script.output.replace('7.4.0', '7.2.0') }), 'stop Refused'],
]);

it('knows which versions of the client are recent enough', () => {
  assert.deepEqual(['7.4.0-226', '10.7.2-16', '7.10.1', '7.3.0', '6.9.9'].map(recentEnough), [true, true, true, false, false]);
});

table('check-feature', [
  ['Registered', decideCheckFeature({ state: 'Registered', told: true }, job), 'done'],
  ['Registered, the provider not told', decideCheckFeature({ state: 'Registered', told: false }, job), 'act register-provider'],
  ['Pending', decideCheckFeature({ state: 'Pending', told: false }, job), 'wait'],
  ['NotRegistered', decideCheckFeature({ state: 'NotRegistered', told: false }, job), 'stop Refused'],
  ['hidden', decideCheckFeature({ state: 'unknown to this subscription', told: false }, job), 'stop Refused'],
]);

const image = { image: { publisher: 'p', offer: 'o', sku: 's', version: '1' }, state: 'Active', hasPlan: false };
const ownImage = (region: string) => ({ image: { id: '/i' }, state: 'Active', hasPlan: false, regions: [region] });
const size = (name: string, memoryGb: number) => ({ name, memoryGb });
const available = {
  machines: [] as string[],
  hsmThere: false,
  hsms: [] as { name: string; stamp: string }[],
  sizes: [size('Standard_D2s_v3', 8), size('Standard_F4s_v2', 8)],
  restricted: [],
  windowsImage: image,
  cipherTrustImage: image,
  termsAccepted: false,
  encryptionSets: [],
};
const twoInStamp = ['a', 'b'].map((name) => ({ name, stamp: 'stamp1' }));
const notAccepting = { request: { ...request, cipherTrust: { ...request.cipherTrust, acceptTerms: false } } };
const ofAnna = { request: { ...request, cipherTrust: { ...request.cipherTrust, sshKeyInAzure: 'anna' } } };
table('check-availability', [
  ['all there', decideCheckAvailability(available, job), 'done'],
  ['two HSMs in the stamp', decideCheckAvailability({ ...available, hsms: twoInStamp }, job), 'done'],
  ['a size not offered, an image gone', decideCheckAvailability({ ...available, sizes: [], windowsImage: undefined }, job), 'stop Refused'],
  [
    'a size that the subscription may not use',
    decideCheckAvailability({ ...available, restricted: [{ size: 'Standard_D2s_v3', reason: 'NotAvailableForSubscription' }] }, job),
    'stop Refused',
  ],
  ['terms not accepted, and they may not be', decideCheckAvailability(available, notAccepting), 'stop Refused'],
  [
    'terms not accepted of a machine that is there, its image gone',
    decideCheckAvailability({ ...available, machines: ['mycompany-ciphertrust'], cipherTrustImage: undefined }, notAccepting),
    'done',
  ],
  ['terms accepted by somebody', decideCheckAvailability({ ...available, termsAccepted: true }, notAccepting), 'done'],
  ['an image without terms', decideCheckAvailability({ ...available, cipherTrustImage: ownImage('westus2') }, notAccepting), 'done'],
  ['an image of one’s own elsewhere', decideCheckAvailability({ ...available, cipherTrustImage: ownImage('eastus') }, job), 'stop Refused'],
  ['a size in other letters', decideCheckAvailability({ ...available, sizes: available.sizes.map(({ name }) => size(name.toUpperCase(), 8)) }, job), 'done'],
  [
    'a deprecated image of a machine that is there',
    decideCheckAvailability({ ...available, machines: ['mycompany-ciphertrust'], cipherTrustImage: { ...image, state: 'Deprecated' } }, job),
    'done',
  ],
  [
    'a size and an image that are gone, of a machine that is there',
    decideCheckAvailability({ ...available, machines: ['LunaClient'], sizes: [size('Standard_F4s_v2', 8)], windowsImage: undefined }, job),
    'done',
  ],
  ['a deprecated image', decideCheckAvailability({ ...available, cipherTrustImage: { ...image, state: 'Deprecated' } }, job), 'stop Refused'],
  [
    'a Windows image that will be deprecated',
    decideCheckAvailability({ ...available, windowsImage: { ...image, state: 'ScheduledForDeprecation' } }, job),
    'done',
  ],
  ['a Windows image that must be bought', decideCheckAvailability({ ...available, windowsImage: { ...image, hasPlan: true } }, job), 'stop Refused'],
  ['ksadmin’s key is not in Azure', decideCheckAvailability({ ...available, keyInAzure: '' }, ofAnna), 'stop Refused'],
  ['ksadmin’s key in Azure is no RSA key', decideCheckAvailability({ ...available, keyInAzure: 'ssh-ed25519 AAAA' }, ofAnna), 'stop Refused'],
]);

describe('check-availability', () => {
  it('warns where Microsoft’s usual quota is used up, since it may have been raised; of an HSM that is there it says nothing', () => {
    const warnings = (change: object) => {
      const decision = decideCheckAvailability({ ...available, sizes: available.sizes.map(({ name }) => size(name, 16)), ...change }, job);
      return 'result' in decision ? decision.result.warnings : undefined;
    };
    assert.deepEqual(warnings({}), []);
    assert.match(warnings({ hsms: twoInStamp })?.join() ?? '', /^stamp1 has 2 HSMs of this subscription already.*usual quota is 2: unless it was raised/);
    assert.match(warnings({ hsms: [...twoInStamp, ...twoInStamp] })?.join() ?? '', /^westus2 has 4 HSMs.*stamp1 has 4/);
    assert.deepEqual(warnings({ hsms: twoInStamp, hsmThere: true }), []);
  });

  it('warns of a VM with less memory than CipherTrust Manager needs, such as the runbook’s', () => {
    const warnings = (memoryGb: number) => {
      const decision = decideCheckAvailability({ ...available, sizes: [size('Standard_D2s_v3', 8), size('Standard_F4s_v2', memoryGb)] }, job);
      return 'result' in decision ? decision.result.warnings : undefined;
    };
    assert.match(warnings(8)?.join() ?? '', /Standard_F4s_v2 has 8 GB/);
    assert.deepEqual(warnings(16), []);
  });
});
