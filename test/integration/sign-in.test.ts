import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { ApplicationFailure } from '@temporalio/common';
import { wordsOf } from '../../domain/failure.ts';
import type { AzureState } from '../../simulator/azure/state.ts';
import { type Identity, selfSigned } from '../../simulator/certificates.ts';
import { readSettings } from '../../worker/settings.ts';
import { createSystems } from '../../worker/systems.ts';
import { AzureBench, attemptStep } from '../support/azure-bench.ts';
import type { SignedIn } from '../support/sign-in-process.ts';
import { type Stopped, stoppedBy } from '../support/stopped.ts';
import { inSeconds, webToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const issuer = 'https://oidc.example.com/cluster/';
const subject = 'system:serviceaccount:hsm:provisioner';
const audience = 'api://AzureADTokenExchange';
const signInProcess = fileURLToPath(new URL('../support/sign-in-process.ts', import.meta.url));

/** Every way in at Azure, with the product’s own settings and Microsoft’s own library, up to an answer of Azure Resource Manager. */
describe('Signing in to Azure', function () {
  this.timeout(60_000);
  let bench: AzureBench;
  let folder: string;
  let certificate: Identity;
  let issuerKey: string;
  let files: { certificate: string; token: string };

  const federatedToken = (more: object = {}, privateKeyPem = issuerKey) =>
    webToken({ privateKeyPem, header: { kid: 'k1' }, claims: { iss: issuer, sub: subject, aud: audience, iat: inSeconds(-10), exp: inSeconds(600), ...more } });
  const holdToken = (...token: Parameters<typeof federatedToken>) => writeFile(files.token, `${federatedToken(...token)}\n`);

  before(async () => {
    [folder, certificate, { privateKeyPem: issuerKey }] = await Promise.all([
      mkdtemp(join(tmpdir(), 'hsm-sign-in-')),
      selfSigned({ commonName: 'provisioner' }),
      selfSigned({ commonName: 'issuer' }),
    ]);
    files = { certificate: join(folder, 'certificate.pem'), token: join(folder, 'token') };
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    bench = await AzureBench.start({ timeoutMs: 1000 });
    const publicKeyPem = createPublicKey(issuerKey).export({ type: 'spki', format: 'pem' }) as string;
    bench.azure.application.certificates.push(certificate.certificatePem);
    bench.azure.application.federated.push({ issuer, subject, audience, publicKeyPem });
    await writeFile(files.certificate, certificate.privateKeyPem + certificate.certificatePem);
    await holdToken();
  });
  afterEach(() => bench.stop());

  const principal = () => ({ AZURE_TENANT_ID: bench.azure.credentials.tenantId, AZURE_CLIENT_ID: bench.azure.credentials.clientId });
  const secret = () => ({ ...principal(), AZURE_CLIENT_SECRET: bench.azure.credentials.clientSecret });
  const withCertificate = () => ({ ...principal(), AZURE_CLIENT_CERTIFICATE_PATH: files.certificate });
  const workload = () => ({ ...principal(), AZURE_FEDERATED_TOKEN_FILE: files.token });
  const narrowed = (kind: string, identity: NodeJS.ProcessEnv) => ({ ...identity, AZURE_TOKEN_CREDENTIALS: kind });

  /** The environment of a worker: where the simulated Azure is, and how it signs in there. */
  const environment = (identity: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
    const { AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_TENANT_ID, ...where } = bench.env;
    return { ...where, ...identity };
  };
  /** A worker with such an environment, a part of which Microsoft’s library reads by itself; gives a function that asks Azure something. */
  const worker = (identity: NodeJS.ProcessEnv) => {
    const own = environment(identity);
    const systems = createSystems(readSettings(own));
    return async () => {
      const before = { ...process.env };
      Object.assign(process.env, own);
      try {
        return await attemptStep(systems, 'check-feature', bench.job, { number: 1, scheduledAt: Date.now() });
      } finally {
        for (const name of Object.keys(own)) delete process.env[name];
        Object.assign(process.env, before);
      }
    };
  };
  /** The problem that it stops with, and everything that hangs on it: as much as could ever get into a log. */
  const stopped = async (ask: () => Promise<unknown>): Promise<Stopped & { everything: string }> => {
    const failure = await ask().then(
      () => assert.fail('it signed in'),
      (error: unknown) => error,
    );
    if (!(failure instanceof ApplicationFailure)) throw failure;
    return { ...stoppedBy(failure), everything: inspect(failure, { depth: 20, showHidden: true }) };
  };
  /** Those that were given. */
  const tokens = () => (bench.world.state['azure'] as AzureState).tokens;
  /** What was asked for tokens. */
  const signedInAt = () => bench.world.requestLog.entries.flatMap(({ operation }) => (/^(authority|identity):.* token$/.test(operation) ? [operation] : []));

  const ways: [way: string, identity: () => NodeJS.ProcessEnv][] = [
    ['a client secret', secret],
    ['a certificate', withCertificate],
    ['a federated token', workload],
    ['a client secret, narrowed to what a server has', () => narrowed('prod', secret())],
    ['a certificate, narrowed to the environment', () => narrowed('environmentcredential', withCertificate())],
    ['a federated token, narrowed to it', () => narrowed('WorkloadIdentityCredential', workload())],
  ];
  for (const [way, identity] of ways)
    it(`works with ${way}`, async () => {
      await worker(identity())();
      assert.deepEqual(signedInAt(), ['authority:POST token']);
      assert.ok(bench.arrived('arm:GET Microsoft.Features/features', 'done').length > 0);
    });

  it('works with a certificate whose key a password protects', async () => {
    const key = createPrivateKey(certificate.privateKeyPem).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'opensesame' });
    await writeFile(files.certificate, `${key}${certificate.certificatePem}`);
    await worker({ ...withCertificate(), AZURE_CLIENT_CERTIFICATE_PASSWORD: 'opensesame' })();
  });

  for (const [way, identity] of ways.slice(0, 3))
    it(`goes on beyond the end of a token that ${way} gave`, async () => {
      bench.world.variants['azure.tokenSeconds'] = '1';
      const ask = worker(identity());
      await ask();
      const [first] = tokens();
      await until('the end of the first token', async () => {
        await ask();
        return first!.endsAt < Date.now() || undefined;
      });
      await ask();
      assert.deepEqual(bench.arrived('arm:*', 'refused'), []);
    });

  it('signs in anew when Azure says that the token has expired', async () => {
    const ask = worker(secret());
    await ask();
    for (const token of tokens()) token.endsAt = 0;
    const { kind, words: seen } = await stopped(ask);
    assert.equal(kind, 'Transient');
    assert.match(seen, /401 ExpiredAuthenticationToken/);
    await ask();
  });

  const refusals: [situation: string, identity: () => NodeJS.ProcessEnv | Promise<NodeJS.ProcessEnv>, seen: RegExp, remedy: RegExp][] = [
    [
      'a secret that is wrong',
      () => ({ ...secret(), AZURE_CLIENT_SECRET: 'the-wrong-one' }),
      /^AADSTS7000215: Invalid client secret/,
      /not to the secret’s id/,
    ],
    [
      'a secret that has expired',
      () => {
        bench.azure.application.secretEndsAt = Date.now() - 1;
        return secret();
      },
      /^AADSTS7000222: .*expired/,
      /Make a new client secret/,
    ],
    ['a tenant that there is not', () => ({ ...secret(), AZURE_TENANT_ID: randomUUID() }), /^AADSTS90002: Tenant .* not found/, /Set AZURE_TENANT_ID/],
    ['an application that there is not', () => ({ ...secret(), AZURE_CLIENT_ID: randomUUID() }), /^AADSTS700016: Application/, /Set AZURE_CLIENT_ID/],
    [
      'a wrong secret, narrowed to what a server has',
      () => narrowed('prod', { ...secret(), AZURE_CLIENT_SECRET: 'the-wrong-one' }),
      /^AADSTS7000215: Invalid client secret/,
      /not to the secret’s id/,
    ],
    [
      'a certificate that nobody uploaded',
      () => {
        bench.azure.application.certificates.length = 0;
        return withCertificate();
      },
      /^AADSTS700027: The certificate .* is not registered/,
      /Upload the certificate/,
    ],
    [
      'a federated token that has expired',
      async () => {
        await holdToken({ iat: inSeconds(-7200), exp: inSeconds(-3600) });
        return workload();
      },
      /^AADSTS700024: Client assertion is not within its valid time range/,
      /Correct this host’s clock/,
    ],
    ...(
      [
        ['subject', { sub: 'system:serviceaccount:hsm:Provisioner' }, 700213],
        ['issuer', { iss: 'https://oidc.example.com/another/' }, 700211],
        ['audience', { aud: 'api://somebody-else' }, 700212],
      ] as const
    ).map(([part, claims, code]): (typeof refusals)[number] => [
      `a federated token of another ${part}`,
      async () => {
        await holdToken(claims);
        return workload();
      },
      new RegExp(`^AADSTS${code}: No matching federated identity record .* ${part}`),
      /to the letter/,
    ]),
    [
      'a federated token that somebody else signed',
      async () => {
        await holdToken({}, certificate.privateKeyPem);
        return workload();
      },
      /^AADSTS50013: /,
      /federated credential/,
    ],
  ];
  for (const [situation, identity, says, does] of refusals)
    it(`tells of ${situation} in one sentence, without a secret`, async () => {
      const own = await identity();
      const { kind, code, tried, evidence, remedy, everything } = await stopped(worker(own));
      assert.deepEqual([kind, code], ['Refused', 'AZURE_SIGN_IN_REFUSED']);
      const seen = evidence?.text ?? '';
      assert.match(tried, /^reading the feature AzureDedicatedHSM, signing in with (the|AZURE_TOKEN_CREDENTIALS)/);
      assert.match(seen, says);
      assert.doesNotMatch(seen, /Trace ID|\n/);
      assert.match(remedy, does);
      for (const kept of [own.AZURE_CLIENT_SECRET ?? 'eyJ', 'PRIVATE KEY', 'client_assertion']) assert.ok(!everything.includes(kept), kept);
      assert.equal(signedInAt().length <= 1, true, 'it is not tried again by itself');
    });

  for (const [situation, content, seen, remedy] of [
    ['is gone', undefined, /ENOENT/, /See that the file is there/],
    ['is empty', '', /No content/i, /See that the file is there/],
  ] as const)
    it(`stops where the file of the federated token ${situation}`, async () => {
      const ask = worker(workload());
      await (content === undefined ? rm(files.token) : writeFile(files.token, content));
      const problem = await stopped(ask);
      assert.deepEqual([problem.kind, problem.code], ['Refused', 'AZURE_IDENTITY_MISSING']);
      assert.match(wordsOf(problem), seen);
      assert.match(problem.remedy, remedy);
    });

  it('stops where the certificate was replaced by something else', async () => {
    const ask = worker(withCertificate());
    await writeFile(files.certificate, 'no certificate');
    const { kind, words: seen } = await stopped(ask);
    assert.equal(kind, 'Refused');
    assert.match(seen, /does not contain a PEM-encoded certificate/);
  });

  describe('in bad faults', () => {
    for (const [faults, strike, seen, pause] of [
      ['is not well', () => bench.fault('error', 'authority:*', { status: 503 }), /AADSTS90033: A transient error/, undefined],
      ['throttles', () => bench.fault('throttle', 'authority:*', { amount: 7 }), /said: "429"/, 7000],
      ['answers with a page', () => bench.fault('page', 'authority:*'), /said: "502: an HTML page/, undefined],
      ['does not answer', () => bench.fault('stall', 'authority:*'), /could not be reached, or did not answer/, undefined],
      ['hangs up', () => bench.fault('reset', 'authority:*'), /could not be reached, or did not answer/, undefined],
    ] as const)
      for (const [name, identity] of [
        ['', secret],
        [', narrowed', () => narrowed('prod', secret())],
      ] as const)
        it(`waits while the authority ${faults}${name}`, async () => {
          strike();
          const ask = worker(identity());
          const problem = await stopped(ask);
          assert.equal(problem.kind, 'Transient');
          assert.match(wordsOf(problem), seen);
          assert.equal(problem.retryAfterMs, pause);
          assert.ok(!problem.everything.includes(bench.azure.credentials.clientSecret));
          await ask();
        });
  });

  /** Microsoft’s library decides once a process where managed identities come from: each of these has one of its own. */
  describe('as a host with a managed identity', () => {
    const host = async (identity: NodeJS.ProcessEnv): Promise<SignedIn> => {
      const env = { PATH: process.env.PATH, ...environment(identity) };
      const child = fork(signInProcess, { execArgv: [], env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      const ended = once(child, 'exit');
      const [answer] = (await once(child, 'message')) as [SignedIn];
      await ended;
      return answer;
    };
    const metadata = () => ({ AZURE_POD_IDENTITY_AUTHORITY_HOST: bench.azure.identity.metadataHost });
    const appService = () => ({ IDENTITY_ENDPOINT: bench.azure.identity.endpoint, IDENTITY_HEADER: bench.azure.identity.header });
    const ofApplication = () => ({ AZURE_CLIENT_ID: bench.azure.credentials.clientId });

    for (const [way, identity, scheduledAt] of [
      ['that of a virtual machine, although a secret is set', () => narrowed('ManagedIdentityCredential', { ...secret(), ...metadata() }), 'metadata'],
      ['that of an App Service', () => narrowed('managedidentitycredential', appService()), 'app-service'],
      ['one that is assigned to the machine, where nothing else is set', () => ({ ...ofApplication(), ...metadata() }), 'metadata'],
    ] as const)
      it(`works with ${way}`, async () => {
        assert.deepEqual(await host(identity()), { state: 'Registered' });
        assert.deepEqual([...new Set(signedInAt())], [`identity:GET ${scheduledAt} token`]);
      });

    it('waits while the identity is being set up', async () => {
      bench.fault('error', 'identity:*', { status: 410, times: 2 });
      assert.deepEqual(await host(narrowed('ManagedIdentityCredential', metadata())), { state: 'Registered' });
    });

    it('stops where it has no such identity', async () => {
      const { problem } = await host(narrowed('ManagedIdentityCredential', { AZURE_CLIENT_ID: randomUUID(), ...metadata() }));
      assert.match(
        problem!,
        /signing in with AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential: [^.]*\. The host’s identity endpoint said: "400: Identity not found" Give this host/,
      );
    });

    it('stops where it has none and nothing is set', async () => {
      const { problem } = await host(narrowed('prod', { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:1' }));
      assert.match(problem!, /none of the ways that were tried is set up on this host\. Set this service’s identity up as docs/);
    });
  });
});
