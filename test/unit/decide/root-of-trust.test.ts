import assert from 'node:assert/strict';
import { decideClientCertificate } from '../../../activities/root-of-trust/client-certificate.ts';
import { decideRegisterClient } from '../../../activities/root-of-trust/register-client.ts';
import { decideSetRootOfTrust } from '../../../activities/root-of-trust/set-root-of-trust.ts';
import { decideVerifyRootOfTrust } from '../../../activities/root-of-trust/verify-root-of-trust.ts';
import type { ManagerContents } from '../../../domain/results.ts';
import { selfSigned } from '../../../simulator/certificates.ts';
import type { Manager } from '../../../systems/ciphertrust/ciphertrust.ts';
import { table } from '../../support/decisions.ts';
import { exampleRequest } from '../../support/example.ts';

const { certificatePem: aCertificate } = await selfSigned({ commonName: '172.22.0.5' });
const request = exampleRequest();
const job = { target: 't', request };
const pinned = { address: '172.22.1.4', pin: 'SHA256:x' };
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
const empty: ManagerContents = { name: 'cm', address: '20.0.0.4', version: '2.19', users: [], keys: 0, domains: [], hsms: [], untold: [], digest: 'd' };
const ready = { state: 'ready' as const, servers: [], requests: 0 };
const holding = (change: Partial<ManagerContents>, more: object = {}, seen: object = {}) =>
  decideSetRootOfTrust({ ...ready, ...seen, holds: { ...empty, ...change } }, { ...manager, ...more });
const madeHere = (change: Partial<ManagerContents>) => holding(change, { fresh: true }, { isRecordedAsMadeHere: true });
const openFor = (msAgo: number, evidence = 'no answer: socket hang up', failed = false) =>
  decideSetRootOfTrust({ ...ready, requests: 1, open: { id: 'a', msAgo, patienceMs: 240_000, evidence, failed } }, manager);
const restarting = (change: object = {}) =>
  decideSetRootOfTrust({ state: 'restarting', detail: '502', look: 2, repaired: false, ...change }, { ...manager, publicKey: 'ssh-rsa AAAA' });
const listed = (serial: string | number) => decideSetRootOfTrust({ ...ready, requests: 1, servers: [{ id: 'a', config: { serial } }] }, manager);
table('set-root-of-trust', [
  ['nothing in it, and this job made it', madeHere({}), 'act set-up'],
  ['ours is listed', listed('1'), 'done'],
  ['ours is listed, its serial as a number', listed(1), 'done'],
  ['restarting', restarting(), 'wait'],
  ['starting for long, ksadmin’s key known', restarting({ look: 61, manager: {} as Manager }), 'act give-key'],
  ['starting for long, the key given', restarting({ look: 61, manager: {} as Manager, repaired: true }), 'wait'],
  ['a page for long', restarting({ look: 61 }), 'wait'],
  ['wiped by what was sent', wiped(60_000), 'done'],
  ['wiped, though nothing was sent', wiped(), 'stop Unsafe'],
  ['another certificate, hours after what was sent', wiped(2 * 3_600_000), 'stop Unsafe'],
  ['as it was, a moment after what was sent', decideSetRootOfTrust({ state: 'settling', sent: { evidence: '200' } }, manager), 'wait'],
  ['sent a minute ago, no effect yet', openFor(60_000), 'wait'],
  ['sent long ago, without effect', openFor(300_000), 'act tell'],
  ['it said that it failed', openFor(60_000, 'failed: 500', true), 'act tell'],
]);

it('set-root-of-trust asks before it wipes what a new manager does not have', () => {
  const comesTo = (decision: ReturnType<typeof holding>) =>
    decision.kind === 'done' ? (decision.result.needsApproval ? 'asks' : 'done') : decision.kind === 'act' ? decision.change : decision.kind;
  const rows: [what: string, decision: ReturnType<typeof holding>, expected: string][] = [
    ['nothing that is listed, in a manager that was there before', holding({}), 'asks'],
    ['nothing that is listed, made by this job by its word alone', holding({}, { fresh: true }), 'asks'],
    ['nothing that is listed, made here by the target record alone', holding({}, {}, { isRecordedAsMadeHere: true }), 'asks'],
    ['a user', holding({ users: ['anna'] }), 'asks'],
    ['a key', holding({ keys: 1 }), 'asks'],
    ['a domain', holding({ domains: ['payments'] }), 'asks'],
    ['other nodes of a cluster', holding({ clustered: true }), 'asks'],
    ['another HSM', holding({ hsms: ['172.22.1.9 7'] }), 'asks'],
    ['keys that are not told', holding({ untold: ['keys'] }), 'asks'],
    ['keys that are not told, in a manager that this job made', madeHere({ untold: ['keys'] }), 'asks'],
    ['a user, in a manager that this job made', madeHere({ users: ['anna'] }), 'asks'],
    ['exactly what was approved', holding({ users: ['anna'] }, { approvedDigest: 'd' }), 'set-up'],
    [
      'what was approved, and wiped under that approval before',
      decideSetRootOfTrust({ ...ready, isApprovalSpent: true, holds: { ...empty, users: ['anna'] } }, { ...manager, approvedDigest: 'd' }),
      'asks',
    ],
    [
      'what was approved, but nobody is on record for that',
      decideSetRootOfTrust({ ...ready, isApprovalMissing: true, holds: { ...empty, users: ['anna'] } }, { ...manager, approvedDigest: 'd', approvalId: 'a' }),
      'stop',
    ],
    ['something else than was approved', holding({ users: ['anna'] }, { approvedDigest: 'e' }), 'asks'],
  ];
  for (const [what, decision, expected] of rows) assert.equal(comesTo(decision), expected, what);
});

const proof = {
  version: '2.19',
  servers: [{ id: 'a', config: { host: '172.22.1.4', serial: '1' } }],
  sealer: 'rapido',
  coRefused: false,
};
const bothKeys = ['DARKSTARKEY-mac-key', 'DARKSTARKEY-encryption-key'];
const verify = (change: object, proofs: { contents?: string[] } = { contents: bothKeys }) =>
  decideVerifyRootOfTrust({ ...proof, ...change }, { hsm: pinned, partitionSerial: '1' }, proofs);
table('verify-root-of-trust', [
  ['everything holds', verify({}), 'done'],
  ['no HSM is listed', verify({ servers: [] }), 'stop Unsafe'],
  ['another host is listed', verify({ servers: [{ id: 'a', config: { host: '172.22.1.5', serial: '1' } }] }), 'stop Unsafe'],
  ['the master key is not sealed', verify({ sealer: 'none' }), 'stop Unsafe'],
  ['a root key is missing', verify({}, { contents: ['DARKSTARKEY-mac-key'] }), 'stop Unsafe'],
  ['everything is listed', verify({}, {}), 'prove contents'],
  ['no HSM is listed: no password is shown', verify({ servers: [] }, {}), 'stop Unsafe'],
  ['the crypto officer’s password was refused before the crash', verify({ coRefused: true }, {}), 'stop Unsafe'],
  ['the version does not tell who seals', verify({ sealer: undefined }), 'done'],
]);

it('verify-root-of-trust names a way on that there is: a new job sets nothing up where the partition is listed', () => {
  const remedy = (change: object, contents = bothKeys) => {
    const decision = verify(change, { contents });
    return decision.kind === 'stop' ? decision.problem.remedy : '';
  };
  assert.match(remedy({ servers: [] }), /abort and send the request again\.$/);
  for (const stopped of [remedy({ sealer: 'none' }), remedy({}, [])]) assert.match(stopped, /delete its VM, and send the request again\.$/);
});

it('verify-root-of-trust warns of what is not told, and of root keys that are not listed', () => {
  const warnings = (change: object) => {
    const decision = verify(change);
    return decision.kind === 'done' ? decision.result.warnings.length : undefined;
  };
  assert.deepEqual([warnings({ rotKeys: 1 }), warnings({ rotKeys: 0 }), warnings({ sealer: undefined, rotKeys: 0 })], [0, 1, 2]);
});
