import { unsafe } from '../../domain/failure.ts';
import type { ProvisioningRequest, SecretReference } from '../../domain/request.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { generateSecret, publicLine } from '../../systems/secrets/generate.ts';
import { type Purpose, purposes, secretName } from '../../systems/secrets/store.ts';
import { act, converge, done, refuse } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'keep-secrets'>;

interface Seen {
  /** Purposes that have no secret yet. */
  missing: Purpose[];
  /** Secrets of the user’s that the request names and the store does not have. */
  unknown: string[];
  windowsPublicKey: string;
  cipherTrustPublicKey: string;
}

/** The key of the client certificate is made later, with the certificate. */
const needed = ({ cipherTrust }: ProvisioningRequest): Purpose[] =>
  purposes.filter((purpose) => purpose !== 'client-certificate-key' && (purpose !== 'ciphertrust-ssh-key' || cipherTrust.sshPublicKey === undefined));

/** The secrets that the request refers to by name. */
function referred({ lunaClient, cipherTrust }: ProvisioningRequest): string[] {
  const values: unknown[] = [lunaClient.installer.url, cipherTrust.customData, cipherTrust.licence, ...cipherTrust.ntp.map(({ key }) => key)];
  return values.filter((value): value is SecretReference => typeof value === 'object' && value !== null && 'secret' in value).map(({ secret }) => secret);
}

export const decideKeepSecrets = (seen: Seen, { target, request }: Pick<Input, 'target' | 'request'>) => {
  if (seen.unknown.length > 0)
    return refuse({
      tried: 'reading the secrets that the request names',
      seen: `not in the secret store: ${seen.unknown.join(', ')}`,
      source: 'the secret store',
      remedy: 'Put them into the secret store under these names, then retry.',
    });
  if (seen.missing.length > 0) return act('generate');
  const { windowsPublicKey, cipherTrustPublicKey } = seen;
  return done<StepResult<'keep-secrets'>>({ names: needed(request).map((purpose) => secretName(target, purpose)), windowsPublicKey, cipherTrustPublicKey });
};

/** Generates every password and key that the job will need and reads them back, before anything is touched. Later steps only read. */
export const keepSecrets = ({ secrets }: Systems) => {
  const publicKey = async (target: string, purpose: Purpose) => {
    const pem = await secrets.get(secretName(target, purpose));
    return pem ? publicLine(pem, secretName(target, purpose)) : '';
  };
  return converge<Input, Seen, StepResult<'keep-secrets'>, 'generate'>({
    observe: async ({ target, request }) => {
      try {
        const missing = await absent(needed(request), (purpose) => secrets.get(secretName(target, purpose)));
        return {
          missing,
          unknown: await absent(referred(request), (name) => secrets.get(name)),
          windowsPublicKey: await publicKey(target, 'windows-ssh-key'),
          cipherTrustPublicKey: request.cipherTrust.sshPublicKey ?? (await publicKey(target, 'ciphertrust-ssh-key')),
        };
      } catch (error) {
        throw unreadable(error);
      }
    },
    decide: decideKeepSecrets,
    act: {
      generate: async ({ target }, { missing }) => {
        for (const purpose of missing) await secrets.create(secretName(target, purpose), await generateSecret(purpose));
      },
    },
    sight: ({ missing }) => missing,
  });
};

async function absent<Name>(names: Name[], get: (name: Name) => Promise<string | undefined>): Promise<Name[]> {
  const found = await Promise.all(names.map(get));
  return names.filter((_, index) => found[index] === undefined);
}

const unreadable = (error: unknown) =>
  unsafe(
    {
      tried: 'reading the secret store',
      seen: error instanceof Error ? error.message : String(error),
      source: 'the secret store',
      remedy: 'Mend the store or its key, then retry; nothing was touched yet.',
    },
    error,
  );
