import { decideConfirmRootOfTrust, type Seen } from '../../../activities/report/confirm-root-of-trust.ts';
import { table } from '../../support/decisions.ts';
import { exampleRequest } from '../../support/example.ts';

const request = exampleRequest();
const partition = { serial: '1', name: request.hsm.partition.name, objects: 2, usedBytes: 1_660 };
const hsm: Seen['hsm'] = {
  ...{ serial: '572413', label: request.hsm.label, firmware: '', software: '', zeroized: false, fips: true, soAttemptsLeft: 3 },
  ...{ partitions: [partition], bytesInUse: 10_000, digest: 'd' },
};
const listed: Seen['manager'] = { is: 'pinned', servers: [{ id: 'a', config: { host: '172.22.1.4', serial: '1' } }] };
const confirm = (change: Partial<Seen['hsm']>, manager: Seen['manager'] = listed, more: { ownCertificateSkipped?: true } = {}) =>
  decideConfirmRootOfTrust({ hsm: { ...hsm, ...change }, manager }, { request, partitionSerial: '1', ...more });

table('confirm-root-of-trust', [
  ['everything is there', confirm({}), 'done'],
  ['the HSM is zeroized', confirm({ zeroized: true, label: '', partitions: [] }), 'stop Unsafe'],
  ['the HSM has another label', confirm({ label: 'theirs' }), 'stop Unsafe'],
  ['the partition is gone', confirm({ partitions: [] }), 'stop Unsafe'],
  ['another partition took its name', confirm({ partitions: [{ ...partition, serial: '2' }] }), 'stop Unsafe'],
  ['the partition is empty', confirm({ partitions: [{ ...partition, objects: 0 }] }), 'stop Unsafe'],
  ['a root key is gone', confirm({ partitions: [{ ...partition, objects: 1 }] }), 'stop Unsafe'],
  ['the manager lists no HSM', confirm({}, { is: 'pinned', servers: [] }), 'stop Unsafe'],
  ['the manager presents another certificate', confirm({}, { is: 'other' }), 'stop Unsafe'],
  ['its certificate was left to a person', confirm({}, { is: 'other' }, { ownCertificateSkipped: true }), 'done'],
  [
    'its certificate was left to a person, and the HSM is zeroized',
    confirm({ zeroized: true }, { is: 'other' }, { ownCertificateSkipped: true }),
    'stop Unsafe',
  ],
  ['the manager restarts', confirm({}, { is: 'restarting' }), 'wait'],
]);
