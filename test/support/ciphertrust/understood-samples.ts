import assert from 'node:assert/strict';
import { Type } from 'typebox';
import { generateSecret } from '../../../stores/secrets/generate.ts';
import { rootKeys } from '../../../systems/ciphertrust/before-setup.ts';
import { customDataProblem } from '../../../systems/ciphertrust/custom-data.ts';
import { answerFailure, saying } from '../../../systems/ciphertrust/errors.ts';
import { readNtp } from '../../../systems/ciphertrust/essentials.ts';
import { isServerOf, nameOf, readHolds, readServers } from '../../../systems/ciphertrust/holds.ts';
import { asksForGenerated } from '../../../systems/ciphertrust/initial-password.ts';
import { listedIn, totalOf } from '../../../systems/ciphertrust/manager.ts';
import { probe } from '../../../systems/ciphertrust/probe.ts';
import { readFields } from '../../../systems/foreign.ts';
import { exampleRequest } from '../example.ts';
import { recordedManager, secretsOf } from './recorded-manager.ts';
import { sample, text } from './samples.ts';

const job = () => ({ target: 't', runId: 'r', request: exampleRequest() });
const ours = '1582775433934';
const servers = (body: unknown) => readServers(recordedManager({ 'GET /v1/system/hsm/servers': [200, body] }).manager);
const holds = (cluster: unknown) => readHolds(recordedManager({ 'GET /v1/cluster': [200, cluster] }).manager, 'a', []);
const time = () => {
  const [list, status] = [sample('08-ntp.json#list_response'), sample('08-ntp.json#status_response')];
  return readNtp(recordedManager({ 'GET /v1/system/ntp/servers': [200, list], 'GET /v1/system/ntp/status': [200, status] }).manager);
};

/** Recorded answers and files: what this service makes of them. */
export const understoodSamples: Record<string, () => void | Promise<void>> = {
  '04-errors.json#items'() {
    const items = sample<{ status: number; body?: unknown; message?: string }[]>('04-errors.json#items');
    assert.ok(items.length >= 10);
    for (const { status, body, message } of items) {
      const answer = { status, body: body ?? { message } };
      const told = saying(answer);
      assert.match(told, /^\d+ (NCERR|Unauthorised|Validation)|^409$/);
      assert.equal(answerFailure('asking', answer).problem.kind, 'Refused', told);
    }
  },
  async '06-services-status.json'() {
    const { cipherTrust } = recordedManager({ 'GET /v1/system/services/status': [200, sample('06-services-status.json')] });
    assert.equal((await probe(cipherTrust, job(), { address: 'a' }, new AbortController().signal)).started, true);
  },
  async '07-system-info.json'() {
    const { manager } = recordedManager({ 'GET /v1/system/info': [200, sample('07-system-info.json')] });
    const { name, version } = await readHolds(manager, 'a', []);
    assert.deepEqual([name, version], ['vCipherTrust-II', '2.19.0+14195']);
    assert.ok(Date.parse(sample<{ system_time: string }>('07-system-info.json').system_time) > 0);
  },
  async '08-ntp.json#list_response'() {
    assert.deepEqual((await time()).listed, ['time1.google.com']);
  },
  async '08-ntp.json#status_response'() {
    assert.equal((await time()).synchronized, true);
  },
  async '12-hsm-servers.json#list_empty'() {
    assert.deepEqual(await servers(sample('12-hsm-servers.json#list_empty')), []);
  },
  async '12-hsm-servers.json#list_after_ha_add'() {
    const two = await servers(sample('12-hsm-servers.json#list_after_ha_add'));
    assert.deepEqual(
      two.map((server) => isServerOf(server, ours)),
      [false, true],
      'the newest first',
    );
  },
  async '12-hsm-servers.json#dpod_entry'() {
    const [other] = await servers({ total: 1, resources: [sample('12-hsm-servers.json#dpod_entry')] });
    assert.deepEqual([isServerOf(other!, ours), nameOf(other!)], [false, 'dpod']);
  },
  '13-ksctl-luna-rot-transcript.txt'() {
    const labels = [...text('13-ksctl-luna-rot-transcript.txt').matchAll(/Object Label: {2}(\S+)/g)].map(([, label]) => label);
    assert.deepEqual(labels, rootKeys);
  },
  '14-rot-keys-mkeks.json#rot_keys'() {
    const keys = sample('14-rot-keys-mkeks.json#rot_keys');
    assert.deepEqual([listedIn(keys).length, totalOf(keys)], [1, 1]);
  },
  '14-rot-keys-mkeks.json#mkeks'() {
    const sealers = listedIn(sample('14-rot-keys-mkeks.json#mkeks')).map((mkek) => readFields({ sealer_name: Type.String() }, mkek).sealer_name);
    assert.deepEqual(sealers, ['rapido'], 'under “info”');
  },
  async '15-password-policy-global.json'() {
    const policy = sample<Record<string, number>>('15-password-policy-global.json');
    const count = (password: string, letters: RegExp) => [...password.matchAll(letters)].length;
    for (let round = 0; round < 200; round++) {
      const password = await generateSecret('ciphertrust-admin-password');
      assert.ok(password.length >= policy['inclusive_min_total_length']! && password.length <= policy['inclusive_max_total_length']!);
      assert.ok(count(password, /[A-Z]/g) >= policy['inclusive_min_upper_case']!);
      assert.ok(count(password, /[a-z]/g) >= policy['inclusive_min_lower_case']!);
      assert.ok(count(password, /[0-9]/g) >= policy['inclusive_min_digits']!);
      assert.ok(count(password, /[^A-Za-z0-9]/g) >= policy['inclusive_min_other']!);
    }
  },
  async '16-cloud-init.yaml'() {
    // What stands above the first line says where it is from.
    const yaml = text('16-cloud-init.yaml').replace(/^# source.*\n/, '');
    assert.equal(customDataProblem(yaml), undefined);
    const { request, ...of } = job();
    request.cipherTrust.customData = { secret: 'cloud-init' };
    assert.equal(await asksForGenerated(secretsOf({ 'cloud-init': yaml }), { ...of, request }), true);
  },
  '17-azure.txt'() {
    const [, publisher, offer, sku] = /publisher="(\S+)" offer="(\S+)" sku="(\S+)"/.exec(text('17-azure.txt'))!;
    assert.equal(exampleRequest().cipherTrust.image, [publisher, offer, sku].join(':'));
    const [, name, product] = /plan { name="(\S+)" product="(\S+)"/.exec(text('17-azure.txt'))!;
    assert.deepEqual([name, product], [sku, offer], 'the plan on the VM is made of the image’s own parts');
  },
  async '20-cluster.json#standalone'() {
    assert.equal((await holds(sample('20-cluster.json#standalone'))).clustered, undefined);
  },
  async '20-cluster.json#ready'() {
    assert.equal((await holds(sample('20-cluster.json#ready'))).clustered, true);
  },
};

/** Recorded requests that this service never sends, and why. */
export const neverSent: Record<string, string> = {
  '10-hsm-setup-request.json#stc_variant_initialConfig': 'its trust link is NTLS, by the runbook',
  '12-hsm-servers.json#delete': 'an HSM is never taken away: that wipes, too',
  '14-rot-keys-mkeks.json#rotate': 'keys are rotated by their owners',
  '20-cluster.json#new_request': 'a root of trust is set before a cluster is made',
};
