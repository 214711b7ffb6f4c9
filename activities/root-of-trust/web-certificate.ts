import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Type } from 'typebox';
import { messageOf, refused } from '../../domain/failure.ts';
import type { CertificateInfo, StepInput, StepResult } from '../../domain/results.ts';
import { requireUserSecret } from '../../stores/secrets/kept.ts';
import type { Leaf } from '../../systems/ciphertrust/tls.ts';
import { readWebCertificate, type WebCertificate } from '../../systems/ciphertrust/web-certificate.ts';
import { isFields, readFields } from '../../systems/foreign.ts';
import { lastingActs } from '../../systems/lasting-acts.ts';
import { type Attempt, act, converge, done, lasting, wait } from '../converge.ts';
import { enterManagerSecrets, signedIn } from '../manager.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'web-certificate'>;

const interfacePath = '/v1/configs/interfaces/web/certificate';

export type Seen =
  | { state: 'restarting' }
  /** Fingerprints: of the certificate that is configured, and of the one that is presented until the web service restarts. */
  | { state: 'ready'; name: string; configured: string; presented: string; wanted?: CertificateInfo };

export const decideWebCertificate = (seen: Seen, { cipherTrust, request }: Pick<Input, 'cipherTrust' | 'request'>) => {
  if (seen.state === 'restarting') return wait('CipherTrust Manager’s web service restarts.');
  const { hostName, address } = request.cipherTrust;
  const { name, configured, presented, wanted } = seen;
  if (hostName && name !== hostName) return act('set-name');
  if (wanted && configured !== wanted.fingerprint) return act('put-certificate');
  if (wanted && presented !== wanted.fingerprint) return act('restart-web');
  return done<StepResult<'web-certificate'>>({
    cipherTrust: { ...cipherTrust, pin: presented },
    name,
    ...(wanted ? { webCertificate: wanted } : {}),
    warnings: wanted && !isFor(wanted, [name, hostName, address, cipherTrust.address]) ? [`The web certificate is for neither ${name} nor ${address}.`] : [],
  });
};

function isFor({ pem }: CertificateInfo, names: (string | undefined)[]): boolean {
  const certificate = new X509Certificate(pem);
  return names.some((name) => name && (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)));
}

/** Names the manager and gives it the web certificate that the request names: after the wipe, which would take both away. */
export const webCertificate = (systems: Systems) => {
  const { cipherTrust, secrets, settings } = systems;
  const wantedBy = async ({ request }: Input): Promise<WebCertificate | undefined> => {
    const { webCertificate: named } = request.cipherTrust;
    return named && readable(named.secret, await requireUserSecret(secrets, named.secret));
  };
  /** A connection of the act's own: the one that looked gets no permit for what goes on by itself. */
  const inside = (input: Input, presented: string, attempt: Attempt) => signedIn({ systems, input, attempt }, { ...input.cipherTrust, pin: presented });
  return converge<Input, Seen, StepResult<'web-certificate'>, 'set-name' | 'put-certificate' | 'restart-web'>({
    lasting: lasting(settings, 'service-restart', 'manager-secret'),
    async observe(input, attempt) {
      const leaf = await cipherTrust.leaf(input, input.cipherTrust, attempt.signal);
      if (!leaf) return { state: 'restarting' };
      const wanted = await wantedBy(input);
      // Only the certificate of before and the one that this step brings are accepted.
      const pin = leaf.fingerprint === wanted?.leaf.fingerprint ? leaf.fingerprint : input.cipherTrust.pin;
      const manager = await signedIn({ systems, input, attempt }, { ...input.cipherTrust, pin }, { presented: leaf });
      const { name = 'unnamed' } = readFields({ name: Type.String() }, await manager.ask('GET', '/v1/system/info'));
      return {
        state: 'ready',
        name,
        configured: configuredIn(await manager.ask('GET', interfacePath)),
        presented: leaf.fingerprint,
        ...(wanted ? { wanted: wanted.leaf } : {}),
      };
    },
    decide: decideWebCertificate,
    act: {
      'set-name': async (input, seen, attempt) => {
        if (seen.state !== 'ready') return;
        const manager = await inside(input, seen.presented, attempt);
        await manager.ask('PATCH', '/v1/system/info', { name: input.request.cipherTrust.hostName });
      },
      'put-certificate': async (input, seen, attempt) => {
        await enterManagerSecrets({ systems, input, attempt }, `secret ${input.request.cipherTrust.webCertificate!.secret}`);
        const { bundle } = (await wantedBy(input))!;
        if (seen.state !== 'ready') return;
        const manager = await inside(input, seen.presented, attempt);
        await manager.ask('PUT', interfacePath, { certificate: bundle, format: 'PEM', generate: false });
      },
      'restart-web': async (input, seen, attempt) => {
        if (seen.state !== 'ready') return;
        const { signal } = attempt;
        const manager = await inside(input, seen.presented, attempt);
        await manager.ask('POST', '/v1/system/services/restart', { services: ['web'], delay: 5 });
        await changes(
          () => cipherTrust.leaf(input, input.cipherTrust, signal),
          seen.presented,
          lastingActs['service-restart'].longestMs(settings.commandMs),
          signal,
        );
      },
    },
    fingerprint: (seen) => (seen.state === 'ready' ? [seen.name, seen.configured, seen.presented] : seen.state),
  });
};

/** It was looked at when the job began; since then it may have ended, or have been replaced. */
function readable(secret: string, text: string): WebCertificate {
  try {
    return readWebCertificate(text);
  } catch (error) {
    throw refused({
      code: 'SECRET_UNUSABLE',
      tried: `reading the web certificate in the secret ${secret}`,
      summary: messageOf(error),
      remedy: `Replace the content of the secret ${secret} with a valid certificate and its private key, then retry; or skip this step and set the certificate yourself.`,
    });
  }
}

/** The fingerprint of the certificate that the interface is configured with. */
function configuredIn(body: unknown): string {
  const { certificates } = isFields(body) ? body : {};
  const wrong = (summary: string) =>
    refused({
      code: 'CIPHERTRUST_REQUEST_FAILED',
      tried: `GET ${interfacePath}`,
      summary,
      remedy:
        'Check the interface “web” in CipherTrust Manager (Admin Settings > Interfaces), then retry; or skip this step and set the name and certificate yourself.',
    });
  if (typeof certificates !== 'string' || certificates.trim() === '') throw wrong('it reported a success, but there is no certificate in it');
  try {
    return new X509Certificate(certificates).fingerprint256;
  } catch {
    throw wrong('it reported a success, but its certificate cannot be read');
  }
}

/** The restart begins after its answer: waits until another certificate, or none, is presented, as long as that may take. */
async function changes(look: () => Promise<Leaf | undefined>, presented: string, patienceMs: number, signal: AbortSignal): Promise<void> {
  for (const end = performance.now() + patienceMs; performance.now() < end; ) {
    if ((await look())?.fingerprint !== presented) return;
    await pause(Math.min(1_000, patienceMs / 10), undefined, { signal });
  }
}
