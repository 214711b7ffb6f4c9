import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import axios, { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { firstBoot } from '../../activities/ciphertrust/first-boot.ts';
import { setRootOfTrust } from '../../activities/root-of-trust/set-root-of-trust.ts';
import type { Systems } from '../../activities/systems.ts';
import { selfSigned } from '../../simulator/certificates.ts';
import { seenOf } from '../../systems/certificates.ts';
import type { CipherTrust } from '../../systems/ciphertrust/ciphertrust.ts';
import { answerFailure, saying } from '../../systems/ciphertrust/errors.ts';
import { activateLicence, addNtp, readLicence, readNtp } from '../../systems/ciphertrust/essentials.ts';
import { isServerOf, nameOf, readServers } from '../../systems/ciphertrust/holds.ts';
import { entriesOf, Manager, totalOf } from '../../systems/ciphertrust/manager.ts';
import { visit } from '../../systems/ciphertrust/visit.ts';
import { generateSecret } from '../../systems/secrets/generate.ts';
import type { SecretStore } from '../../systems/secrets/store.ts';
import { exampleRequest } from '../support/example.ts';
import { fixture, haveFixtures } from '../support/fixtures.ts';

type Json = Record<string, never>;
const json = <T = Json>(path: string): T => JSON.parse(fixture(`ciphertrust/${path}`)) as T;
/** Of a recorded sample only what went over the wire. */
const bare = (sample: object): Json => Object.fromEntries(Object.entries(sample).filter(([name]) => !name.startsWith('_'))) as Json;

interface Asked {
  method: string;
  path: string;
  body: Json | undefined;
  authorization: boolean;
  timeoutMs: number;
}

/** A manager that answers what it is told, by operation, and writes down what it is asked. */
function recorded(answers: Record<string, [status: number, body?: unknown]>) {
  const asked: Asked[] = [];
  const http = axios.create({
    validateStatus: () => true,
    adapter: async (config: InternalAxiosRequestConfig) => {
      const [method, path] = [config.method!.toUpperCase(), config.url!];
      const body = config.data === undefined ? undefined : (JSON.parse(config.data as string) as Json);
      asked.push({ method, path, body, authorization: config.headers.has('Authorization'), timeoutMs: config.timeout! });
      const [status, data] = answers[`${method} ${path}`] ?? [404, { code: 16, codeDesc: 'NCERRResourceNotFound: Resource not found' }];
      return { status, statusText: '', headers: new AxiosHeaders(), config, data: data ?? '' };
    },
  });
  return { asked, manager: new Manager(http, new AbortController().signal) };
}

const reaching = (manager: Manager) => ({ leaf: async () => ({ fingerprint: 'AA', shown: {} }), connect: async () => manager }) as unknown as CipherTrust;
const logger = new DefaultLogger('ERROR', () => {});
const signInAnswer: [number, unknown] = [200, { jwt: 'a.b.c', duration: 300 }];
const secretsOf = (values: Record<string, string>): SecretStore => ({ get: async (name) => values[name], create: () => assert.fail('only reads') });

describe('What is known of CipherTrust Manager', () => {
  before(function () {
    if (!haveFixtures) this.skip();
  });

  describe('What is sent equals the samples, field by field', () => {
    it('signing in, and renewing that with the refresh token', async () => {
      const sample = json<{ body: Json }>('01-auth-token-password-request.json');
      const answer = bare(json('02-auth-token-response.json'));
      const { asked, manager } = recorded({ 'POST /v1/auth/tokens/': [200, answer], 'GET /v1/system/info': [401, { code: 5 }] });
      assert.equal(await manager.signIn('<secret>'), true);
      await manager.raw('GET', '/v1/system/info');
      const [signIn, , refresh] = asked;
      assert.deepEqual(signIn!.body, sample.body);
      assert.deepEqual(
        [refresh!.path, refresh!.body, refresh!.authorization],
        ['/v1/auth/tokens/', json<{ body: Json }>('03-auth-token-refresh-request.json').body, false],
      );
    });

    it('changing the first password, without a sign-in; 204 without a body is its success', async () => {
      const [requestLine, ...rest] = fixture('ciphertrust/05-changepw.http').split('\n').slice(1);
      const body = JSON.parse(rest.find((line) => line.startsWith('{'))!) as Json;
      const { asked, manager } = recorded({ 'PATCH /v1/auth/changepw': [Number(/HTTP\/1.1 (\d+)/.exec(rest.join('\n'))![1])] });
      assert.equal(await manager.changePassword('admin', 'ChangeMe101!'), true);
      assert.deepEqual([`${asked[0]!.method} /api${asked[0]!.path} HTTP/1.1`, asked[0]!.body, asked[0]!.authorization], [requestLine, body, false]);
    });

    it('adding time servers, with each kind of key', async () => {
      const sample = json<{ add_request: Json; add_request_authenticated: Json; add_response: Json }>('08-ntp.json');
      const { asked, manager } = recorded({ 'POST /v1/system/ntp/servers': [201, sample.add_response] });
      const kinds = ['MD5', 'SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'] as const;
      const keyed = kinds.map((keyType) => ({ host: '10.0.0.5', key: { secret: 'k' }, keyType }));
      await addNtp(manager, secretsOf({ k: '<symmetric key>' }), [{ host: 'time1.google.com' }, ...keyed, { host: '10.0.0.5', key: { secret: 'k' } }]);
      const bodies = asked.map(({ body }) => body);
      assert.deepEqual(bodies[0], bare(sample.add_request));
      assert.deepEqual(
        bodies.slice(1),
        [...kinds, 'SHA-256'].map((key_type) => ({ ...bare(sample.add_request_authenticated), key_type })),
      );
    });

    it('activating the trial without a body, adding a licence', async () => {
      const sample = json<{ trials_list: Json; activate: { response: Json }; license_add: Json }>('09-licensing.json');
      const path = 'POST /v1/licensing/trials/%3Cuuid%3E/activate';
      const { asked, manager } = recorded({
        'GET /v1/licensing/trials/': [200, bare(sample.trials_list)],
        'GET /v1/licensing/licenses/': [200, { resources: [] }],
        [path]: [200, sample.activate.response],
        'POST /v1/licensing/licenses/': [201, {}],
      });
      const { cipherTrust } = exampleRequest();
      const seen = await readLicence(manager);
      assert.deepEqual(seen.trial, { id: '<uuid>', status: 'available' });
      await activateLicence(manager, secretsOf({}), seen, { ...cipherTrust, licence: 'trial' });
      await activateLicence(manager, secretsOf({ l: '<string>' }), seen, { ...cipherTrust, licence: { secret: 'l' } });
      const [trial, licence] = asked.slice(-2);
      assert.deepEqual([`${trial!.method} ${trial!.path}`, trial!.body], [path, undefined]);
      // Without a bind type it is tried for the cluster, then for the instance.
      const { bind_type: _, ...license } = bare(sample.license_add);
      assert.deepEqual(licence!.body, license);
    });

    it('hsm/setup, whose connInfo is JSON within JSON; it is given more than two minutes', async () => {
      const { body: sample } = json<{ body: { connInfo: string; initialConfig: Record<string, string> } & Record<string, unknown> }>(
        '10-hsm-setup-request.json',
      );
      const { partition_name, partition_password } = JSON.parse(sample.connInfo) as Record<string, string>;
      const pair = await selfSigned({ commonName: '172.22.0.5' });
      const { asked, manager } = recorded({
        'GET /v1/system/services/status': [200, bare(json('06-services-status.json'))],
        'POST /v1/auth/tokens/': signInAnswer,
        'GET /v1/system/hsm/servers': [200, json<{ list_empty: Json }>('12-hsm-servers.json').list_empty],
        'POST /v1/system/hsm/setup': [200, bare(json('11-hsm-setup-response.json'))],
      });
      const request = exampleRequest();
      request.hsm.partition.name = partition_name!;
      const cipherTrust = { address: '172.22.0.5', pin: 'AA' };
      const systems = {
        secrets: secretsOf({ 't-ciphertrust-admin-password': 'p', 't-crypto-officer-password': partition_password!, key: pair.privateKeyPem }),
        settings: { settleMs: 1, pollIntervalMs: 1 },
        transcripts: { append: async () => {}, list: async () => [] },
        cipherTrust: reaching(manager),
      } as unknown as Systems;
      const input = {
        ...{ target: 't', runId: 'r', request, cipherTrust, keySecret: 'key', fresh: true },
        ...{ hsmAddress: sample.initialConfig['host']!, partitionSerial: sample.initialConfig['serial']! },
        ...{ serverCertificate: seenOf(pair.certificatePem), clientCertificate: seenOf(pair.certificatePem) },
      };
      // Nothing comes about here, so the step goes on looking: what counts is what was sent.
      await assert.rejects(new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000 }, { logger }).run(setRootOfTrust(systems), input));
      const sent = asked.find(({ path }) => path.endsWith('/hsm/setup'))!;
      const certificates = { 'server-cert': pair.certificatePem, 'client-cert': pair.certificatePem, 'client-cert-key': pair.privateKeyPem };
      assert.deepEqual(sent.body, { ...sample, initialConfig: { ...sample.initialConfig, ...certificates } });
      assert.deepEqual(Object.keys(sent.body!), Object.keys(sample));
      assert.ok(sent.timeoutMs >= 120_000, `${sent.timeoutMs}`);
    });

    it('giving ksadmin its key, without a sign-in', async () => {
      const [line = ''] = fixture('ciphertrust/19-ssh-key.http')
        .split('\n')
        .filter((text) => text.startsWith('{'));
      const body = JSON.parse(line) as { key: string };
      const { asked, manager } = recorded({
        'GET /v1/system/services/status': [200, { status: 'starting' }],
        'POST /v1/system/ssh/keys': [201, { id: '1' }],
      });
      const systems = { settings: { pollIntervalMs: 1 }, cipherTrust: reaching(manager) } as unknown as Systems;
      const input = { target: 't', runId: 'r', request: exampleRequest(), reachable: 'a', publicKey: body.key };
      await assert.rejects(new MockActivityEnvironment({ attempt: 61, startToCloseTimeoutMs: 60_000 }, { logger }).run(firstBoot(systems), input));
      const sent = asked.filter(({ path }) => path === '/v1/system/ssh/keys');
      assert.deepEqual(
        sent.map(({ body, authorization }) => [body, authorization]),
        [[body, false]],
      );
    });

    it('asks for nothing that is not in the index of operations', () => {
      const known = operations();
      for (const path of pathsIn('systems/ciphertrust', 'activities/ciphertrust', 'activities/root-of-trust')) assert.ok(isKnownPath(known, path), path);
    });
  });

  describe('What is answered is understood', () => {
    it('services that are up', async () => {
      const { manager } = recorded({ 'GET /v1/system/services/status': [200, bare(json('06-services-status.json'))] });
      const seen = await visit(reaching(manager), { target: 't', runId: 'r', request: exampleRequest() }, { address: 'a' }, new AbortController().signal);
      assert.equal(seen.started, true);
    });

    it('time servers, and that one is followed', async () => {
      const { list_response, status_response } = json<Record<string, Json>>('08-ntp.json');
      const { manager } = recorded({ 'GET /v1/system/ntp/servers': [200, list_response], 'GET /v1/system/ntp/status': [200, status_response] });
      assert.deepEqual(await readNtp(manager), { listed: ['time1.google.com'], synchronised: true });
    });

    it('HSMs: none, two with the newest first, one of another kind', async () => {
      const { list_empty, list_after_ha_add, dpod_entry } = json<Record<string, Json>>('12-hsm-servers.json');
      const servers = async (body: unknown) => readServers(recorded({ 'GET /v1/system/hsm/servers': [200, body] }).manager);
      assert.deepEqual(await servers(list_empty), []);
      const two = await servers(list_after_ha_add);
      assert.deepEqual(
        two.map((server) => isServerOf(server, '1582775433934')),
        [false, true],
      );
      const [other] = await servers({ total: 1, resources: [dpod_entry] });
      assert.deepEqual([isServerOf(other!, '1582775433934'), nameOf(other!)], [false, 'dpod']);
    });

    it('master keys under “info”, root keys, information about itself', () => {
      const { rot_keys, mkeks } = json<Record<string, Json>>('14-rot-keys-mkeks.json');
      assert.deepEqual(
        entriesOf<{ sealer_name: string }>(mkeks).map(({ sealer_name }) => sealer_name),
        ['rapido'],
      );
      assert.deepEqual([entriesOf(rot_keys).length, totalOf(rot_keys)], [1, 1]);
      assert.match(json<{ version: string }>('07-system-info.json').version, /^\d+\.\d+\.\d+/);
      assert.ok(Date.parse(json<{ system_time: string }>('07-system-info.json').system_time) > 0);
    });

    it('errors, with their class or their message, whichever there is', () => {
      const { items } = json<{ items: { status: number; body?: unknown; message?: string }[] }>('04-errors.json');
      assert.ok(items.length >= 10);
      for (const { status, body, message } of items) {
        const answer = { status, body: body ?? { message } };
        const told = saying(answer);
        assert.match(told, /^\d+ (NCERR|Unauthorised|Validation)|^409$/);
        assert.equal(answerFailure('asking', answer).problem.kind, 'Refused', told);
      }
    });

    it('a proxy’s page while it boots is waited out', () => {
      const { problem } = answerFailure('asking', { status: 502, body: '<html><head><title>502 Bad Gateway</title></head></html>' });
      assert.deepEqual([problem.kind, problem.seen], ['Transient', '502 502 Bad Gateway']);
    });
  });

  it('every generated password is one that its policy takes', async () => {
    const policy = json<Record<string, number>>('15-password-policy-global.json');
    const count = (text: string, letters: RegExp) => [...text.matchAll(letters)].length;
    for (let round = 0; round < 200; round++) {
      const password = await generateSecret('ciphertrust-admin-password');
      assert.ok(password.length >= policy['inclusive_min_total_length']! && password.length <= policy['inclusive_max_total_length']!);
      assert.ok(count(password, /[A-Z]/g) >= policy['inclusive_min_upper_case']!);
      assert.ok(count(password, /[a-z]/g) >= policy['inclusive_min_lower_case']!);
      assert.ok(count(password, /[0-9]/g) >= policy['inclusive_min_digits']!);
      assert.ok(count(password, /[^A-Za-z0-9]/g) >= policy['inclusive_min_other']!);
    }
  });

  it('the simulated manager offers operations of the index alone', () => {
    const known = operations();
    const offered = sources('simulator/ciphertrust').flatMap((text) => [...text.matchAll(/'(GET|POST|PUT|PATCH|DELETE) (\/v1\/[^']+)'/g)]);
    assert.ok(offered.length >= 40, `${offered.length}`);
    for (const [, verb, path] of offered) assert.ok(known.includes(`${verb} ${normal(path!)}`), `${verb} ${path}`);
  });
});

const root = new URL('../../', import.meta.url);
const sources = (folder: string): string[] => readdirSync(new URL(`${folder}/`, root)).map((file) => readFileSync(new URL(`${folder}/${file}`, root), 'utf8'));

/** A slash at the end does not count, nor how a varying part is called. */
const normal = (path: string): string => path.replace(/\/$/, '').replaceAll(/\$?\{[^}]*\}+/g, '{}');

/** Thales’ index ends before the vault: that path is known from its Ansible collection. */
const beyondTheIndex = ['GET', 'POST', 'DELETE'].flatMap((verb) => [`${verb} /v1/vault/keys2`, `${verb} /v1/vault/keys2/{}`]);

/** Verb and path of every operation that is known. */
const operations = (): string[] => [
  ...[...fixture('ciphertrust/00-operations-index.txt').matchAll(/\| (GET|POST|PUT|PATCH|DELETE) (\/v1\/\S+) \|/g)].map(
    ([, verb, path]) => `${verb} ${normal(path!)}`,
  ),
  ...beyondTheIndex,
];

/** Is there an operation with this path, a name in place of a varying part or not? */
const isKnownPath = (known: string[], path: string): boolean =>
  known.some((operation) => new RegExp(`^${operation.split(' ')[1]!.replaceAll('{}', '[^/]+')}$`).test(path));

/** Every path of the API that the sources name. */
function pathsIn(...folders: string[]): string[] {
  const texts = folders.flatMap(sources);
  return texts.flatMap((text) => [...text.matchAll(/['`](\/v1\/[^'`]+)['`]/g)].map(([, path]) => normal(path!)));
}
