import assert from 'node:assert/strict';
import { parseSlots } from '../../systems/lunacm/parse.ts';
import { parseClientList, parseClientShow, parseFingerprint, parseHsmShow, parsePartitionList } from '../../systems/lunash/parse.ts';
import { readOutcome, waitingFor } from '../../systems/lunash/session.ts';
import { fixture, haveFixtures } from '../support/fixtures.ts';

/** One transcript of the collection of old ones, by its heading. */
const old = (heading: string): string => {
  const text = fixture('luna/aws-cloudhsm-lunash-fixtures.txt');
  const start = text.indexOf(`--- ${heading}`);
  assert.ok(start >= 0, heading);
  const end = text.indexOf('\n---', start + 4);
  return text.slice(start, end < 0 ? undefined : end);
};

describe('What real appliances and clients printed', () => {
  before(function () {
    if (!haveFixtures) this.skip();
  });

  it('hsm show of an Azure unit as it is delivered', () => {
    const seen = parseHsmShow(fixture('luna/hsm-show-7.2-azure-zeroized.txt'))!;
    assert.deepEqual(seen, {
      serial: '572413',
      label: '',
      firmware: '7.0.3',
      software: '7.2.0-220',
      zeroized: true,
      fips: false,
      soAttemptsLeft: 0,
      partitions: [],
      bytesInUse: 0,
    });
  });

  it('hsm show of a 5.1 unit, where no label is written out', () => {
    const seen = parseHsmShow(old('hsm show zeroized (5.1)'))!;
    assert.deepEqual([seen.serial, seen.label, seen.zeroized], ['156155', '', true]);
  });

  it('nothing is read into a text that is cut', () => {
    assert.equal(parseHsmShow(fixture('luna/partition-create-thalesdocs-7.4.txt')), undefined);
  });

  it('partition list, with and without partitions', () => {
    assert.deepEqual(parsePartitionList(old('partition list\n')), [
      { serial: '157826004', name: 'testPar1', objects: 0, totalBytes: 102_701, usedBytes: 0 },
      { serial: '157826011', name: 'testPar2', objects: 2, totalBytes: 102_701, usedBytes: 0 },
    ]);
    assert.deepEqual(parsePartitionList(old('partition list (empty)')), []);
  });

  it('client list, show and fingerprint', () => {
    assert.deepEqual(parseClientList(old('client list\n')), ['client_name', 'client name with spaces']);
    assert.deepEqual(parseClientList(old('client list (empty)')), []);
    assert.deepEqual(parseClientShow(old('client show (client with partitions)')), {
      name: 'client1',
      by: 'hostname',
      host: 'client1',
      partitions: ['clientPar1', 'clientPar2', 'clientPar3'],
    });
    assert.deepEqual(parseClientShow(old('client show (no partitions)'))?.partitions, []);
    assert.equal(parseClientShow(old('client show (unknown)')), undefined);
    assert.equal(parseFingerprint(old('client fingerprint\n')), 'D9:9E:25:B3:A9:68:06:50:8F:C4:90:FC:E5:50:E2:BC');
  });

  it('a failed last sign-in that says result 0 is a failure all the same', () => {
    const { result, errors } = readOutcome(fixture('luna/hsm-login-last-attempt-zeroize-azure.txt'), 'hsm login');
    assert.equal(result, 0);
    assert.equal(errors.length, 2);
  });

  it('the first sign-in asks for the new password twice, then gives the prompt', () => {
    const text = fixture('luna/first-login-7.2-azure.txt');
    const upTo = (words: string) => text.slice(0, text.indexOf(words) + words.length);
    assert.equal(waitingFor(upTo('New password:')), 'new-password');
    assert.equal(waitingFor(upTo('Retype new password:')), 'retype');
    assert.equal(waitingFor(upTo('[local_host] lunash:>')), 'command');
    assert.equal(waitingFor(upTo('DO NOT LOSE IT!')), undefined);
  });

  it('hsm init asks for its secrets at a “>” of their own', () => {
    const text = fixture('luna/hsm-init-ibm.txt');
    for (const question of ['password for the HSM Administrator:', 'confirm:', 'cloning domain to use for initializing this HSM:', 'quit now.'])
      assert.equal(waitingFor(text.slice(0, text.indexOf('>', text.indexOf(question)) + 2)), 'answer', question);
  });

  it('slots of lunacm 7.2 and 7.3', () => {
    assert.deepEqual(parseSlots(fixture('luna/lunacm-clientconfig-deploy-7.3-keeper.txt')), [
      { slot: 0, serial: '12345678987654321', label: '[your partition name]' },
    ]);
    const azure = fixture('luna/azure-partition-create-assign-init-7.2-cloudflare.txt').replace('XXXXXXXXXXXXX', '1582775433934');
    assert.deepEqual(parseSlots(azure), [{ slot: 0, serial: '1582775433934', label: '' }]);
  });
});
