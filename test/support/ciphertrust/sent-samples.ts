import assert from 'node:assert/strict';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { firstBoot } from '../../../activities/ciphertrust/first-boot.ts';
import { setRootOfTrust } from '../../../activities/root-of-trust/set-root-of-trust.ts';
import { webCertificate } from '../../../activities/root-of-trust/web-certificate.ts';
import type { Systems } from '../../../activities/systems.ts';
import { selfSigned } from '../../../simulator/certificates.ts';
import { createRecords } from '../../../stores/record/record.ts';
import { seenOf } from '../../../systems/certificates.ts';
import { activateLicense, addNtp, readLicense } from '../../../systems/ciphertrust/essentials.ts';
import { enterEarlier } from '../earlier-entries.ts';
import { exampleRequest } from '../example.ts';
import { runStep } from '../fence.ts';
import { memoryNumberedStore } from '../numbered-store.ts';
import { azureWithMachines, managerCreated } from '../own-machines.ts';
import { recordedManager, secretsOf } from './recorded-manager.ts';
import { httpLines, type Json, sample } from './samples.ts';

const logger = new DefaultLogger('ERROR', () => {});
const job = () => ({ target: 't', runId: 'r', request: exampleRequest() });
const attempt = (more: object = {}) => new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000, ...more }, { logger });
const signIn: [number, unknown] = [200, { jwt: 'a.b.c', duration: 300 }];
const keyTypes = ['MD5', 'SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'] as const;

async function addsNtp() {
  const { asked, manager } = recordedManager({ 'POST /v1/system/ntp/servers': [201, sample('08-ntp.json#add_response')] });
  const keyed = keyTypes.map((keyType) => ({ host: '10.0.0.5', key: { secret: 'k' }, keyType }));
  await addNtp(manager, secretsOf({ k: '<symmetric key>' }), [{ host: 'time1.google.com' }, ...keyed, { host: '10.0.0.5', key: { secret: 'k' } }]);
  return asked.map(({ body }) => body);
}

async function licenses() {
  const path = 'POST /v1/licensing/trials/%3Cuuid%3E/activate';
  const { response } = sample<{ response: Json }>('09-licensing.json#activate');
  const { asked, manager } = recordedManager({
    'GET /v1/licensing/trials/': [200, sample('09-licensing.json#trials_list')],
    'GET /v1/licensing/licenses/': [200, { resources: [] }],
    [path]: [200, response],
    'POST /v1/licensing/licenses/': [201, {}],
  });
  const { cipherTrust } = exampleRequest();
  const seen = await readLicense(manager);
  await activateLicense(manager, secretsOf({}), seen, { ...cipherTrust, license: 'trial' });
  await activateLicense(manager, secretsOf({ l: '<string>' }), seen, { ...cipherTrust, license: { secret: 'l' } });
  const [trial, license] = asked.slice(-2);
  return { path, seen, trial: trial!, license: license! };
}

async function setsUp() {
  const setup = sample('10-hsm-setup-request.json#body');
  const { partition_name, partition_password } = JSON.parse(setup['connInfo'] as string) as Record<string, string>;
  const pair = await selfSigned({ commonName: '172.22.0.5' });
  const { asked, cipherTrust } = recordedManager({
    'GET /v1/system/services/status': [200, sample('06-services-status.json')],
    'POST /v1/auth/tokens/': signIn,
    'GET /v1/system/hsm/servers': [200, sample('12-hsm-servers.json#list_empty')],
    'GET /v1/usermgmt/users/': [200, { total: 1, resources: [{ username: 'admin' }] }],
    'GET /v1/domains': [200, { total: 1, resources: [{ name: 'root' }] }],
    'GET /v1/vault/keys2/': [200, { total: 0, resources: [] }],
    'POST /v1/system/hsm/setup': [200, sample('11-hsm-setup-response.json')],
  });
  const { request, ...of } = job();
  request.hsm.partition.name = partition_name!;
  const written: string[] = [];
  const entries = new Map<string, string>();
  enterEarlier(entries, of.target, 'ciphertrust', managerCreated(request));
  const systems = {
    secrets: secretsOf({ 't-ciphertrust-admin-password': 'p', 't-crypto-officer-password': partition_password!, key: pair.privateKeyPem }),
    settings: { commandMs: 1, pollIntervalMs: 1 },
    transcripts: { append: async (_: string, __: string, ___: string, line: string) => void written.push(line), list: async () => [] },
    records: createRecords(memoryNumberedStore(entries)),
    azure: azureWithMachines(),
    cipherTrust,
  } as unknown as Systems;
  const { host, serial } = setup['initialConfig'] as Record<string, string>;
  const input = {
    ...{ ...of, request, cipherTrust: { address: '172.22.0.5', pin: 'AA' }, keySecret: 'key', fresh: true, hsmAddress: host!, partitionSerial: serial! },
    ...{ serverCertificate: seenOf(pair.certificatePem), clientCertificate: seenOf(pair.certificatePem) },
  };
  // Nothing comes about here, so the step goes on looking: what counts is what was sent.
  await assert.rejects(runStep(attempt(), setRootOfTrust(systems), input));
  return { setup, pair, written, sent: asked.find(({ path }) => path.endsWith('/hsm/setup'))! };
}

/** The requests that were recorded: this service sends the same, field by field. */
export const sentSamples: Record<string, () => Promise<void>> = {
  async '01-auth-token-password-request.json#body'() {
    const { asked, manager } = recordedManager({ 'POST /v1/auth/tokens/': signIn });
    assert.equal(await manager.signIn('<secret>'), true);
    assert.deepEqual(asked[0]!.body, sample('01-auth-token-password-request.json#body'));
  },
  async '03-auth-token-refresh-request.json#body'() {
    const { asked, manager } = recordedManager({
      'POST /v1/auth/tokens/': [200, sample('02-auth-token-response.json')],
      'GET /v1/system/info': [401, { code: 5 }],
    });
    await manager.signIn('<secret>');
    await manager.raw('GET', '/v1/system/info');
    const [, , refresh] = asked;
    assert.deepEqual([refresh!.path, refresh!.body, refresh!.authorization], ['/v1/auth/tokens/', sample('03-auth-token-refresh-request.json#body'), false]);
  },
  async '05-changepw.http'() {
    const [requestLine, body, answer] = httpLines('05-changepw.http');
    const { asked, manager } = recordedManager({ 'PATCH /v1/auth/changepw': [Number(answer!.split(' ')[1])] });
    assert.equal(await manager.changePassword('admin', 'ChangeMe101!'), true, 'a success without a body');
    assert.deepEqual([`${asked[0]!.method} /api${asked[0]!.path} HTTP/1.1`, asked[0]!.body, asked[0]!.authorization], [requestLine, JSON.parse(body!), false]);
  },
  async '08-ntp.json#add_request'() {
    assert.deepEqual((await addsNtp())[0], sample('08-ntp.json#add_request'));
  },
  async '08-ntp.json#add_request_authenticated'() {
    const wanted = [...keyTypes, 'SHA-256'].map((key_type) => ({ ...sample('08-ntp.json#add_request_authenticated'), key_type }));
    assert.deepEqual((await addsNtp()).slice(1), wanted, 'every kind of key, and SHA-256 where none is named');
  },
  async '09-licensing.json#activate'() {
    const { path, trial } = await licenses();
    assert.deepEqual([`${trial.method} ${trial.path}`, trial.body], [path, undefined]);
  },
  async '09-licensing.json#license_add'() {
    // Without a bind type it is tried for the cluster, then for the instance.
    const { bind_type: _, ...license } = sample('09-licensing.json#license_add');
    assert.deepEqual((await licenses()).license.body, license);
  },
  async '10-hsm-setup-request.json#body'() {
    const { setup, pair, sent } = await setsUp();
    const certificates = { 'server-cert': pair.certificatePem, 'client-cert': pair.certificatePem, 'client-cert-key': pair.privateKeyPem };
    assert.deepEqual(sent.body, { ...setup, initialConfig: { ...(setup['initialConfig'] as object), ...certificates } });
    assert.deepEqual(Object.keys(sent.body!), Object.keys(setup));
    assert.ok(sent.timeoutMs >= 120_000, `${sent.timeoutMs}`);
  },
  async '18-interfaces.http'() {
    const lines = httpLines('18-interfaces.http');
    const bodyAfter = (line: string) => JSON.parse(lines[lines.findIndex((one) => one.startsWith(line)) + 1]!) as Json;
    const { certificatePem, privateKeyPem } = await selfSigned({ commonName: 'cm.example' });
    const { certificatePem: before } = await selfSigned({ commonName: 'before' });
    const path = '/v1/configs/interfaces/web/certificate';
    const { asked, cipherTrust } = recordedManager({
      'POST /v1/auth/tokens/': signIn,
      'GET /v1/system/info': [200, sample('07-system-info.json')],
      [`GET ${path}`]: [200, { certificates: before }],
      [`PUT ${path}`]: [200, {}],
    });
    const input = { ...job(), cipherTrust: { address: 'a', pin: 'AA' } };
    input.request.cipherTrust.webCertificate = { secret: 'face' };
    const systems = {
      secrets: secretsOf({ 't-ciphertrust-admin-password': 'p', face: `${privateKeyPem}${certificatePem}` }),
      settings: { commandMs: 1 },
      transcripts: { append: async () => {}, list: async () => [] },
      records: createRecords(memoryNumberedStore()),
      azure: azureWithMachines(),
      cipherTrust,
    };
    // It goes on presenting the certificate of before: the step puts the new one and stops.
    await assert.rejects(runStep(attempt(), webCertificate(systems as unknown as Systems), input));
    const { body } = asked.find(({ method }) => method === 'PUT')!;
    // No passphrase protects the key: the field for it is left out.
    const { password: _, certificate: __, ...fields } = bodyAfter(`PUT /api${path}`);
    assert.deepEqual(body, { ...fields, certificate: `${certificatePem.trim()}\n${privateKeyPem}`.trim().concat('\n') });
  },
  async '19-ssh-key.http'() {
    const [requestLine, line] = httpLines('19-ssh-key.http');
    const body = JSON.parse(line!) as { key: string };
    const { asked, cipherTrust } = recordedManager({
      'GET /v1/system/services/status': [200, { status: 'starting' }],
      'POST /v1/system/ssh/keys': [201, { id: '1' }],
    });
    const systems = { settings: { pollIntervalMs: 1 }, cipherTrust } as unknown as Systems;
    await assert.rejects(runStep(attempt({ attempt: 61 }), firstBoot(systems), { ...job(), reachable: 'a', publicKey: body.key }));
    const sent = asked.filter(({ path }) => path === '/v1/system/ssh/keys');
    assert.deepEqual(
      sent.map(({ method, path, body, authorization }) => [`${method} /api${path}`, body, authorization]),
      [[requestLine, body, false]],
    );
  },
};

/** Answers to what is sent. */
export const answersToSent: Record<string, () => Promise<void>> = {
  async '02-auth-token-response.json'() {
    const { asked, manager } = recordedManager({ 'POST /v1/auth/tokens/': [200, sample('02-auth-token-response.json')], 'GET /v1/system/info': [200, {}] });
    assert.equal(await manager.signIn('p'), true);
    await manager.ask('GET', '/v1/system/info');
    assert.deepEqual([asked.length, asked[1]!.authorization], [2, true], 'its 300 s have only begun');
  },
  '08-ntp.json#add_response': async () => void (await addsNtp()),
  async '09-licensing.json#trials_list'() {
    assert.deepEqual((await licenses()).seen.trial, { id: '<uuid>', status: 'available' });
  },
  async '11-hsm-setup-response.json'() {
    const { written } = await setsUp();
    assert.match(written[1]!, / 200$/, 'after what was sent stands that it was taken');
  },
};
