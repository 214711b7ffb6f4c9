import type { ProvisioningRequest, SecretReference } from '../../domain/request.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { generateSecret, publicLine } from '../../systems/secrets/generate.ts';
import { read, storeFailed } from '../../systems/secrets/kept.ts';
import { type Purpose, purposes, type SecretStore, secretName } from '../../systems/secrets/store.ts';
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
export const keepSecrets = ({ secrets }: Systems) =>
  converge<Input, Seen, StepResult<'keep-secrets'>, 'generate'>({
    observe: async ({ target, request }) => ({
      missing: await absent(needed(request), (purpose) => read(secrets, secretName(target, purpose))),
      unknown: await absent(referred(request), (name) => read(secrets, name)),
      windowsPublicKey: await publicKey(secrets, secretName(target, 'windows-ssh-key')),
      cipherTrustPublicKey: request.cipherTrust.sshPublicKey ?? (await publicKey(secrets, secretName(target, 'ciphertrust-ssh-key'))),
    }),
    decide: decideKeepSecrets,
    act: {
      generate: async ({ target }, { missing }) => {
        for (const purpose of missing) await keep(secrets, secretName(target, purpose), await generateSecret(purpose));
      },
    },
    sight: ({ missing }) => missing,
  });

async function absent<Name>(names: Name[], get: (name: Name) => Promise<string | undefined>): Promise<Name[]> {
  const found = await Promise.all(names.map(get));
  return names.filter((_, index) => found[index] === undefined);
}

/** The OpenSSH line of a kept private key; empty where there is none yet. */
async function publicKey(secrets: SecretStore, name: string): Promise<string> {
  const pem = await read(secrets, name);
  try {
    return pem ? publicLine(pem, name) : '';
  } catch (error) {
    throw storeFailed(`reading the key ${name}`, error);
  }
}

async function keep(secrets: SecretStore, name: string, value: string): Promise<void> {
  try {
    await secrets.create(name, value);
  } catch (error) {
    throw storeFailed(`keeping the secret ${name}`, error);
  }
}
