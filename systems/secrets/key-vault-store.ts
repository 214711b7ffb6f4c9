import { setTimeout as pause } from 'node:timers/promises';
import type { SecretClient, SecretClientOptions, SecretProperties } from '@azure/keyvault-secrets';
import type { Settings, VaultSettings } from '../../worker/settings.ts';
import { cloudOfVault } from '../azure/clouds.ts';
import { credential } from '../azure/credential.ts';
import { azureFailure, isForeign, isSignIn, statusOf } from '../azure/errors.ts';
import { transport } from '../azure/transport.ts';
import type { Outbound } from '../outbound.ts';
import { checkedName, type SecretStore } from './store.ts';

/** Key Vault tells creation times in whole seconds; one more for clocks of its machines that differ. */
const tieMs = 2000;
/** The vault's limits are told per ten seconds: what lasts longer than this is no throttling. */
const patienceMs = 60_000;
/** Key Vault's limit for a value. */
const largest = 25 * 1024;

/**
 * Secrets in an Azure Key Vault. The vault cannot be told to keep the first value: a second PUT makes a newer version. So of several versions the oldest
 * counts, always, and a name that has one is never written to.
 */
export function createKeyVaultStore(settings: Settings, vault: VaultSettings, outbound: Outbound): SecretStore {
  let connected: Promise<SecretClient> | undefined;
  /** Asks, waits out what passes, and tells the rest in words of its own: the client's errors carry requests, and so secrets. */
  const asking = async <T>(tried: string, question: (client: SecretClient) => Promise<T>): Promise<T> => {
    const end = Date.now() + patienceMs;
    let signedInAnew = false;
    for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 8000)) {
      try {
        return await question(await (connected ??= connect(settings, vault, outbound)));
      } catch (error) {
        const { passes, message, retryAfterMs = waitMs } = told(tried, vault.url, error);
        // A token that is refused is not offered again; a new one is asked for once.
        const anew: boolean = statusOf(error) === 401 && !signedInAnew;
        signedInAnew ||= anew;
        if (statusOf(error) === 401 || isSignIn(error)) connected = undefined;
        if (!(passes || anew) || Date.now() + retryAfterMs > end) throw new Error(message);
        await pause(retryAfterMs);
      }
    }
  };
  const get = (name: string): Promise<string | undefined> => asking(`reading ${checkedName(name)}`, (client) => oldestValue(client, name));
  return {
    get,
    async create(name, value) {
      checkedName(name);
      if (Buffer.byteLength(value) > largest) throw new Error(`The secret ${name} is larger than the ${largest} bytes that a key vault takes.`);
      return asking(`keeping ${name}`, async (client) => {
        // The look comes first at every attempt: what an unanswered one wrote is found, and the vault's challenge is met by a request without a value.
        const there = await oldestValue(client, name);
        if (there !== undefined) return there;
        await client.setSecret(name, value);
        // Who wrote in the same second may have been counted before us; when that second is over, both see both.
        await pause(tieMs);
        const counts = await oldestValue(client, name);
        if (counts === undefined) throw new Error(`The vault ${vault.url} took the secret ${name} and does not have it.`);
        return counts;
      });
    },
  };
}

async function connect(settings: Settings, vault: VaultSettings, outbound: Outbound): Promise<SecretClient> {
  const { SecretClient } = await import('@azure/keyvault-secrets');
  return new SecretClient(vault.url, await credential(settings, cloudOfVault(vault.url), outbound), {
    ...transport(settings, outbound),
    ...(vault.serviceVersion ? { serviceVersion: vault.serviceVersion as NonNullable<SecretClientOptions['serviceVersion']> } : {}),
    disableChallengeResourceVerification: !vault.verifyChallenge,
  });
}

const createdAt = ({ createdOn }: SecretProperties): number => createdOn?.getTime() ?? 0;

/** The first version, by time and then by name, so that everybody chooses the same. */
async function oldestVersion(client: SecretClient, name: string): Promise<SecretProperties | undefined> {
  const versions: SecretProperties[] = [];
  try {
    for await (const version of client.listPropertiesOfSecretVersions(name)) versions.push(version);
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
  return versions.sort((one, other) => createdAt(one) - createdAt(other) || (one.version! < other.version! ? -1 : 1))[0];
}

async function oldestValue(client: SecretClient, name: string): Promise<string | undefined> {
  let oldest = await oldestVersion(client, name);
  if (!oldest) return undefined;
  const age = Date.now() - createdAt(oldest);
  if (age >= 0 && age < tieMs) {
    await pause(tieMs - age);
    oldest = (await oldestVersion(client, name)) ?? oldest;
  }
  return (await client.getSecret(name, { version: oldest.version! })).value;
}

interface Told {
  message: string;
  passes: boolean;
  retryAfterMs?: number;
}

/** What a person needs to know of it, without anything that was sent. */
function told(tried: string, url: string, error: unknown): Told {
  const source = `The key vault ${url}, asked for ${tried}`;
  const message = error instanceof Error ? error.message : String(error);
  if (!isForeign(error)) return { passes: false, message: `${source}: ${message}` };
  if (/deleted but recoverable/i.test(message))
    return {
      passes: false,
      message: `${source}: the name is that of a deleted secret. Recover it (az keyvault secret recover), never purge it: it may be the only copy of a password in use.`,
    };
  if (statusOf(error) === 403) {
    const { code = '' } = error as { code?: string };
    return {
      passes: false,
      message: `${source}: 403 ${code} ${message} Give this service’s identity the role Key Vault Secrets Officer there, let its network in, and see that the oldest version is enabled.`,
    };
  }
  const { problem } = azureFailure(tried, error);
  return {
    passes: problem.kind === 'Transient',
    message: `${source}: ${problem.seen}. ${problem.remedy}`,
    ...(problem.retryAfterMs === undefined ? {} : { retryAfterMs: problem.retryAfterMs }),
  };
}
