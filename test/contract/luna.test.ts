import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parseSlots, splitCommands } from '../../systems/lunacm/parse.ts';
import { parseClientList, parseClientShow, parseFingerprint, parseHsmShow, parseNtlsDevice, parsePartitionList } from '../../systems/lunash/parse.ts';
import { readOutcome, waitingFor } from '../../systems/lunash/reading.ts';
import { fixture, fixtureNames, haveFixtures } from '../support/fixtures.ts';

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
      partitionsCreated: 0,
    });
  });

  it('hsm show of a 5.1 unit, where no label is written out', () => {
    const seen = parseHsmShow(old('hsm show zeroized (5.1)'))!;
    assert.deepEqual([seen.serial, seen.label, seen.zeroized, seen.partitionsCreated], ['156155', '', true, 0]);
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

  it('questions by what they mean: each prefix of the first sign-in and of hsm init asks for what it asks for', () => {
    /** Where it is cut, a sentence may look like a question that nobody knows; that counts only when nothing follows. */
    const asked = (text: string) =>
      [...text].flatMap((_, at) => waitingFor(text.slice(0, at + 1)) ?? []).filter((waiting, at, all) => waiting !== 'unknown' && waiting !== all[at - 1]);
    const forced = fixture('luna/first-login-7.2-azure.txt').replace(/^[\s\S]*(?=Last login)/, '');
    assert.deepEqual(asked(forced), ['new-password', 'retype', 'command']);
    assert.deepEqual(asked(fixture('luna/hsm-init-ibm.txt')), ['command', 'so-password-to-be', 'so-password-again', 'domain', 'domain-again', 'proceed']);
    assert.deepEqual(asked(fixture('luna/user-password-thalesdocs-7.0.txt').split('\n--- ')[0]!), ['command', 'new-password', 'retype']);
  });

  it('a result line without its space, lines that a page lost, and an excerpt without a result', () => {
    const outcome = (file: string, command: string) => readOutcome(fixture(file), command);
    assert.equal(outcome('luna/user-password-thalesdocs-7.0.txt', '').result, 0);
    assert.match(fixture('luna/user-password-thalesdocs-7.0.txt'), /Command Result: 0/);
    const [register, assign] = fixture('luna/client-register-avi-5.4.7.txt').split('\n').slice(-4);
    assert.deepEqual([readOutcome(register!, '').successes, readOutcome(assign!, '').result], [['client register'], 0]);
    assert.equal(outcome('luna/ntls-bind-thalesdocs-7.x.txt', '').result, undefined);
    assert.equal(parseNtlsDevice(fixture('luna/ntls-bind-thalesdocs-7.x.txt').split('lunash:>')[1]!.split('\n').slice(1).join('\n')), 'eth0');
  });

  it('role changepw of lunacm, cancelled and done', () => {
    const results = splitCommands(fixture('luna/lunacm-role-changepw-thalesdocs.txt'), ['1', '2', '3', '4']).map(({ result }) => result);
    assert.deepEqual(results, ['0xb (User Cancelled Operation)', 'No Error', 'No Error', 'No Error']);
  });

  it('slots of lunacm 7.2 and 7.3', () => {
    assert.deepEqual(parseSlots(fixture('luna/lunacm-clientconfig-deploy-7.3-keeper.txt')), [
      { slot: 0, serial: '12345678987654321', label: '[your partition name]' },
    ]);
    const azure = fixture('luna/azure-partition-create-assign-init-7.2-cloudflare.txt').replace('XXXXXXXXXXXXX', '1582775433934');
    assert.deepEqual(parseSlots(azure), [{ slot: 0, serial: '1582775433934', label: '' }]);
  });

  it('no recording is left out', () => {
    const tests = ['luna', 'luna-replay'].map((name) => readFileSync(new URL(`${name}.test.ts`, import.meta.url), 'utf8')).join();
    assert.deepEqual(
      fixtureNames('luna').filter((name) => !tests.includes(name)),
      [],
    );
  });
});
