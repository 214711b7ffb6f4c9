import { setTimeout as pause } from 'node:timers/promises';
import type { SecretClient, SecretClientOptions, SecretProperties } from '@azure/keyvault-secrets';
import { forPerson, refused, StepFailure } from '../../domain/failure.ts';
import type { CodeOf } from '../../domain/failure-codes.ts';
import type { AzureConnection, AzureFault } from '../azure-connection.ts';
import { AzureService, asProblemOf, type Explained } from '../azure-service.ts';
import type { VaultSettings } from './settings.ts';
import { checkedName, type SecretStore } from './store.ts';

const source = 'Azure Key Vault';

/** How long things are waited for; tests have less patience. */
export interface Pace {
  /** How long others may still write a version that counts before one that is there. */
  tieMs: number;
  /** After which something that passes is tried again first. */
  retryMs: number;
}

/** Key Vault tells creation times in whole seconds; one more for clocks of its machines that differ. */
const usualPace: Pace = { tieMs: 2000, retryMs: 500 };
/** Key Vault's limit for a value. */
const largest = 25 * 1024;

/**
 * Secrets in an Azure Key Vault. The vault cannot be told to keep the first value: a second PUT makes a newer version. So of several versions the oldest
 * counts, always, and a name that has one is never written to.
 */
export function createKeyVaultStore(vault: VaultSettings, connection: AzureConnection, pace: Pace = usualPace): SecretStore {
  const service = new AzureService<SecretClient>({
    connection,
    connect: () => connect(vault, connection),
    place: ` in the key vault ${vault.url}`,
    explain: told,
    retryMs: pace.retryMs,
  });
  const get = (name: string): Promise<string | undefined> => service.ask(`reading ${checkedName(name)}`, (client) => oldestValue(client, name, pace));
  return {
    get,
    async create(name, value) {
      checkedName(name);
      if (Buffer.byteLength(value) > largest) throw new Error(`The secret ${name} is larger than the ${largest} bytes that a key vault takes.`);
      return service.ask(`keeping ${name}`, async (client) => {
        // The look comes first at every attempt: what an unanswered one wrote is found, and the vault's challenge is met by a request without a value.
        const there = await oldestValue(client, name, pace);
        if (there !== undefined) return there;
        await client.setSecret(name, value);
        // Whatever the vault's clock says: those who have looked already write within this time.
        await pause(pace.tieMs);
        const counts = await oldestValue(client, name, pace);
        if (counts === undefined) throw new Error(`The vault ${vault.url} took the secret ${name} and does not have it.`);
        return counts;
      });
    },
  };
}

async function connect(vault: VaultSettings, connection: AzureConnection): Promise<SecretClient> {
  const { SecretClient } = await import('@azure/keyvault-secrets');
  return new SecretClient(vault.url, await connection.credential(vault.url), {
    ...connection.transport(),
    ...(vault.serviceVersion ? { serviceVersion: vault.serviceVersion as NonNullable<SecretClientOptions['serviceVersion']> } : {}),
    disableChallengeResourceVerification: !vault.verifyChallenge,
  });
}

const createdAt = ({ createdOn }: SecretProperties): number => createdOn?.getTime() ?? 0;

interface Looked {
  /** The first version, by time and then by name, so that everybody chooses the same. */
  oldest: SecretProperties;
  /** By the vault’s own clock: this host’s may be wrong. */
  ageMs: number;
}

async function look(client: SecretClient, name: string): Promise<Looked | undefined> {
  const versions: SecretProperties[] = [];
  let now = Date.now();
  const pages = client.listPropertiesOfSecretVersions(name, {
    onResponse: ({ headers }) => {
      now = Date.parse(headers.get('date') ?? '') || now;
    },
  });
  try {
    for await (const version of pages) versions.push(version);
  } catch (error) {
    if ((error as { statusCode?: unknown }).statusCode === 404) return undefined;
    throw error;
  }
  const [oldest] = versions.sort((one, other) => createdAt(one) - createdAt(other) || (one.version! < other.version! ? -1 : 1));
  return oldest && { oldest, ageMs: now - createdAt(oldest) };
}

/** Who writes in the same second may be counted before what is there; when that second is over everybody sees the same. */
async function oldestValue(client: SecretClient, name: string, { tieMs }: Pace): Promise<string | undefined> {
  let looked = await look(client, name);
  if (looked && looked.ageMs < tieMs) {
    await pause(Math.min(tieMs - looked.ageMs, tieMs));
    looked = (await look(client, name)) ?? looked;
  }
  return looked && (await client.getSecret(name, { version: looked.oldest.version! })).value;
}

const codes = { unreachable: 'SECRET_STORE_UNREACHABLE', failed: 'SECRET_STORE_FAILED' } as const;

/** What a person needs to know of it, without anything that was sent: no cause hangs on it. */
function told(tried: string, error: unknown, fault: AzureFault | undefined): Explained {
  const message = error instanceof Error ? error.message : String(error);
  const stop = (code: CodeOf<'Refused'>, summary: string, remedy: string, said?: string): Explained => ({
    passes: false,
    failure: refused({ code, tried, summary, ...(said === undefined ? {} : { evidence: { source, text: said } }), remedy }),
  });
  if (!fault) return stop('SECRET_STORE_FAILED', message, 'Fix the problem it names, then retry.');
  if (/deleted but recoverable/i.test(message))
    return stop(
      'SECRET_LOST',
      'the name is that of a deleted secret',
      'Recover it (az keyvault secret recover), never purge it: it may be the only copy of a password in use.',
    );
  if (fault.status === 403)
    return stop(
      'SECRET_STORE_FAILED',
      'the request was refused',
      'Give this service’s identity the role Key Vault Secrets Officer there, let its network in, and see that the oldest version is enabled.',
      `403 ${(error as { code?: string }).code ?? ''} ${message}`,
    );
  const { problem } = fault.failure;
  return {
    passes: problem.kind === 'Transient',
    failure: new StepFailure(forPerson(fault.isSignIn ? problem : asProblemOf(source, codes, problem), 'the key vault')),
    ...(problem.retryAfterMs === undefined ? {} : { retryAfterMs: problem.retryAfterMs }),
  };
}
