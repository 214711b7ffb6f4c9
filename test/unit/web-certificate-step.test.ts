import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { webCertificate } from '../../activities/root-of-trust/web-certificate.ts';
import type { Systems } from '../../activities/systems.ts';
import { type Problem, wordsOf } from '../../domain/failure.ts';
import { type Identity, selfSigned } from '../../simulator/certificates.ts';
import { createRecords } from '../../stores/record/record.ts';
import { secretName } from '../../stores/secrets/store.ts';
import { recordedManager, secretsOf } from '../support/ciphertrust/recorded-manager.ts';
import { exampleRequest } from '../support/example.ts';
import { runStep } from '../support/fence.ts';
import { memoryNumberedStore } from '../support/numbered-store.ts';

const target = 't';
const interfaceCertificate = 'GET /v1/configs/interfaces/web/certificate';

/** What the step stops with, where the secret and the manager’s answer are these. */
async function problemOf(secret: string, answer: unknown): Promise<Problem> {
  const request = exampleRequest();
  request.cipherTrust.webCertificate = { secret: 'face' };
  const { cipherTrust, asked } = recordedManager({
    'POST /v1/auth/tokens/': [200, { jwt: 'a.b.c', duration: 300 }],
    'GET /v1/system/info': [200, { name: 'cm' }],
    [interfaceCertificate]: [200, answer],
  });
  const secrets = secretsOf({ face: secret, [secretName(target, 'ciphertrust-admin-password')]: 'Kept-Password-1' });
  const records = createRecords(memoryNumberedStore());
  const step = webCertificate({ cipherTrust, secrets, records, settings: { commandMs: 25 } } as unknown as Systems);
  const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000 }, { logger: new DefaultLogger('ERROR') });
  const failure = await runStep(environment, step, { target, runId: 'r', request, cipherTrust: { address: 'a', pin: 'AA' } }).then(
    () => assert.fail('the step is done'),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof ApplicationFailure, String(failure));
  assert.ok(!asked.some(({ method }) => method === 'PUT'), 'nothing was changed');
  assert.ok(!JSON.stringify([failure.message, failure.details]).includes(secret.slice(40, 100) || 'nothing'), 'nothing of the secret is told');
  return failure.details![0] as Problem;
}

describe('The step that sets a web certificate', () => {
  let [ours, other, old]: Identity[] = [];
  before(async () => {
    [ours, other, old] = await Promise.all([
      selfSigned({ commonName: 'ours' }),
      selfSigned({ commonName: 'other' }),
      selfSigned({ commonName: 'old', days: 1, notBefore: new Date('2020-01-01') }),
    ]);
  });
  const both = ({ certificatePem, privateKeyPem }: Identity) => `${certificatePem}${privateKeyPem}`;

  const rows: [what: string, secret: () => string, answer: () => unknown, seen: RegExp, remedy: RegExp][] = [
    ['a certificate that has ended meanwhile', () => both(old!), () => ({ certificates: ours!.certificatePem }), /valid from/, /the secret face/],
    [
      'a key of another certificate',
      () => `${ours!.certificatePem}${other!.privateKeyPem}`,
      () => ({}),
      /no certificate of its private key/,
      /the secret face/,
    ],
    ['a secret that holds something else', () => 'x'.repeat(200), () => ({}), /no private key/, /the secret face/],
    ['an answer without a certificate', () => both(ours!), () => ({}), /no certificate/, /interface “web”/],
    ['an empty answer', () => both(ours!), () => '', /no certificate/, /interface “web”/],
    ['no answer but null', () => both(ours!), () => null, /no certificate/, /interface “web”/],
    ['an answer whose certificate cannot be read', () => both(ours!), () => ({ certificates: 'PEM' }), /cannot be read/, /interface “web”/],
  ];
  for (const [what, secret, answer, seen, remedy] of rows)
    it(`stops with cause and remedy: ${what}`, async () => {
      const problem = await problemOf(secret(), answer());
      assert.equal(problem.kind, 'Refused');
      assert.match(wordsOf(problem), seen);
      assert.match(problem.remedy, remedy);
      assert.match(problem.remedy, /retry/);
    });
});
