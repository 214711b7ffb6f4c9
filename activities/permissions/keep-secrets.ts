import type { ProvisioningRequest } from '../../domain/request.ts';
import { secretsNamed } from '../../domain/request-parts.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { generateSecret } from '../../stores/secrets/generate.ts';
import { putIfAbsent, read, storeFailed } from '../../stores/secrets/kept.ts';
import { type Purpose, purposes, type SecretStore, secretName } from '../../stores/secrets/store.ts';
import { nameOfVersion, versions } from '../../stores/secrets/versions.ts';
import { customDataProblem } from '../../systems/ciphertrust/custom-data.ts';
import { readWebCertificate } from '../../systems/ciphertrust/web-certificate.ts';
import { publicLine, readRsaKey, sameKey } from '../../systems/ssh/private-key.ts';
import { act, converge, done, refuse } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'keep-secrets'>;

interface Seen {
  /** Purposes that have no secret yet. */
  missing: Purpose[];
  /** Purposes whose secret an earlier look found kept: systems may have it by now. */
  recorded: Purpose[];
  /** How many entries that is written in. */
  records: number;
  /** Secrets of the user’s that the request names and the store does not have. */
  unknown: string[];
  /** What is wrong with those that are there, without a word of their content. */
  unusable: string[];
  windowsPublicKey: string;
  /** Empty where ksadmin’s key is one that is stored in Azure. */
  cipherTrustPublicKey: string;
}

/** Does the request name a key for ksadmin, so that none is generated? */
const hasOwnKey = ({ sshPublicKey, sshPrivateKey, sshKeyInAzure }: ProvisioningRequest['cipherTrust']): boolean =>
  (sshPublicKey ?? sshPrivateKey ?? sshKeyInAzure) !== undefined;

/** The key of the client certificate is made later, with the certificate. */
const needed = ({ cipherTrust }: ProvisioningRequest): Purpose[] =>
  purposes.filter((purpose) => purpose !== 'client-certificate-key' && (purpose !== 'ciphertrust-ssh-key' || !hasOwnKey(cipherTrust)));

/** Which purposes were kept is written down beside the secrets, once all are there: a secret that is missing later was lost and is not a new one. */
const recordName = (target: string): string => `${target}-kept-purposes`;

export const decideKeepSecrets = (seen: Seen, { target, request }: Pick<Input, 'target' | 'request'>) => {
  const lost = seen.missing.filter((purpose) => seen.recorded.includes(purpose));
  if (lost.length > 0)
    return refuse({
      code: 'SECRET_LOST',
      tried: 'reading the secrets stored earlier',
      summary: `missing from the secret store: ${lost.map((purpose) => secretName(target, purpose)).join(', ')}`,
      remedy: `Restore them (from the backup, or with az keyvault secret recover), then retry. No others are generated in their place. If nothing uses any secret of ${target} any more, you can start over: see “Lost secrets” in docs/operators.md.`,
    });
  if (seen.unknown.length > 0)
    return refuse({
      code: 'SECRET_MISSING',
      tried: 'reading the secrets that the request names',
      summary: `not in the secret store: ${seen.unknown.join(', ')}`,
      remedy: 'Store each of them (npm run --silent secret -- --keep NAME < FILE), then retry.',
    });
  if (seen.unusable.length > 0)
    return refuse({
      code: 'SECRET_UNUSABLE',
      tried: 'checking the secrets that the request names',
      summary: seen.unusable.join('; '),
      remedy: 'Nothing was created. Retry with an amendment that names another secret, such as /cipherTrust/webCertificate/secret.',
    });
  if (seen.missing.length > 0) return act('generate');
  if (unrecorded(seen, request).length > 0) return act('record');
  const { windowsPublicKey, cipherTrustPublicKey } = seen;
  return done<StepResult<'keep-secrets'>>({ names: needed(request).map((purpose) => secretName(target, purpose)), windowsPublicKey, cipherTrustPublicKey });
};

const unrecorded = ({ recorded }: Pick<Seen, 'recorded'>, request: ProvisioningRequest): Purpose[] =>
  needed(request).filter((purpose) => !recorded.includes(purpose));

/** Generates every password and key that the job will need and reads them back, before anything is touched. Later steps only read. */
export const keepSecrets = ({ secrets }: Systems) =>
  converge<Input, Seen, StepResult<'keep-secrets'>, 'generate' | 'record'>({
    observe: async ({ target, request }) => {
      const ownKey = await ownPrivateKey(secrets, request.cipherTrust);
      const records = await versions(secrets, recordName(target));
      return {
        records: records.length,
        recorded: purposes.filter((purpose) => records.some((record) => record.split(' ').includes(purpose))),
        missing: await absent(needed(request), (purpose) => read(secrets, secretName(target, purpose))),
        unknown: await absent([...new Set(secretsNamed(request).map(({ name }) => name))], (name) => read(secrets, name)),
        unusable: [
          ...(ownKey?.problem ? [ownKey.problem] : []),
          ...(await customDataProblems(secrets, request.cipherTrust)),
          ...(await webCertificateProblems(secrets, request.cipherTrust)),
        ],
        windowsPublicKey: await publicKey(secrets, secretName(target, 'windows-ssh-key')),
        cipherTrustPublicKey: hasOwnKey(request.cipherTrust)
          ? (request.cipherTrust.sshPublicKey ?? ownKey?.publicLine ?? '')
          : await publicKey(secrets, secretName(target, 'ciphertrust-ssh-key')),
      };
    },
    decide: decideKeepSecrets,
    act: {
      generate: async ({ target }, { missing }) => {
        await Promise.all(missing.map(async (purpose) => putIfAbsent(secrets, secretName(target, purpose), await generateSecret(purpose))));
      },
      record: async ({ target, request }, seen) => putIfAbsent(secrets, nameOfVersion(recordName(target), seen.records), unrecorded(seen, request).join(' ')),
    },
    fingerprint: ({ missing, recorded, records }) => ({ missing, recorded, records }),
  });

async function absent<Name>(names: Name[], get: (name: Name) => Promise<string | undefined>): Promise<Name[]> {
  const found = await Promise.all(names.map(get));
  return names.filter((_, index) => found[index] === undefined);
}

/** The private half that the request names, if it does: its public line, or why it cannot be used. */
async function ownPrivateKey(
  secrets: SecretStore,
  { sshPrivateKey, sshPublicKey }: ProvisioningRequest['cipherTrust'],
): Promise<{ publicLine?: string; problem?: string } | undefined> {
  const text = sshPrivateKey && (await read(secrets, sshPrivateKey.secret));
  if (!sshPrivateKey || text === undefined) return undefined;
  const refusal = (why: string) => ({ problem: `the secret ${sshPrivateKey.secret} cannot be ksadmin’s private key: ${why}` });
  try {
    const key = readRsaKey(text);
    return sshPublicKey === undefined || sameKey(sshPublicKey, key.publicLine) ? { publicLine: key.publicLine } : refusal('sshPublicKey is another key');
  } catch (error) {
    return refusal((error as Error).message);
  }
}

async function customDataProblems(secrets: SecretStore, { customData }: ProvisioningRequest['cipherTrust']): Promise<string[]> {
  const text = customData && (await read(secrets, customData.secret));
  const problem = text === undefined ? undefined : customDataProblem(text);
  return problem ? [`the secret ${customData!.secret} is no cloud-init configuration: ${problem}`] : [];
}

async function webCertificateProblems(secrets: SecretStore, { webCertificate }: ProvisioningRequest['cipherTrust']): Promise<string[]> {
  const text = webCertificate && (await read(secrets, webCertificate.secret));
  if (!webCertificate || text === undefined) return [];
  try {
    readWebCertificate(text);
    return [];
  } catch (error) {
    return [`the secret ${webCertificate.secret} cannot be a web certificate: ${(error as Error).message}`];
  }
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
