import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../stores/place.ts';
import type { SecretSettings } from '../stores/secrets/settings.ts';
import type { Settings } from '../systems/settings.ts';
import { addressMistakes } from './addresses.ts';
import { identityMistakes } from './identity-settings.ts';

const list = (value: string | undefined): string[] =>
  (value ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

/** Reads the settings from the environment; every mistake at once. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const mistakes: string[] = [];
  const inDataFolder = (name: string): string => join(env.HSM_DATA_FOLDER ?? '.data', name);
  const oneOf = <Choice extends string>(name: string, choices: readonly Choice[], usual: Choice): Choice => {
    const value = env[name] ?? usual;
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) mistakes.push(`${name} must be one of ${choices.join(', ')}, it is "${value}"`);
    return chosen ?? usual;
  };
  const milliseconds = (name: string, usual: number): number => {
    const value = Number(env[name] ?? usual);
    if (!Number.isFinite(value) || value <= 0) mistakes.push(`${name} must be a number of milliseconds above 0, it is "${env[name]}"`);
    return value;
  };
  const file = (name: string): string | undefined => {
    const path = env[name];
    if (!path) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch {
      mistakes.push(`${name} names a file that cannot be read: ${path}`);
      return undefined;
    }
  };
  const optional = <Key extends string>(key: Key, value: string | undefined) => (value ? ({ [key]: value } as Record<Key, string>) : {});
  const readable = (name: string): string | undefined => (file(name) === undefined ? undefined : env[name]);
  const address = (name: string, protocols: readonly string[], such: string): string | undefined => {
    const url = env[name];
    const parsed = url && URL.canParse(url) ? new URL(url) : undefined;
    if (parsed?.username || parsed?.password) mistakes.push(`${name} must not hold a user or a password`);
    else if (url && !(parsed && protocols.includes(parsed.protocol) && parsed.hostname !== ''))
      mistakes.push(`${name} must be an address such as ${such}, it is "${url}"`);
    return url;
  };
  const vaultUrl = (): string => {
    const url = env.HSM_KEY_VAULT_URL ?? '';
    if (!URL.canParse(url) || new URL(url).protocol !== 'https:' || new URL(url).username !== '')
      mistakes.push('HSM_KEY_VAULT_URL must be the https address of a vault, such as https://my-vault.vault.azure.net, where HSM_SECRETS is key-vault');
    return url;
  };
  const serviceVersion = (): string | undefined => {
    const version = env.HSM_KEY_VAULT_SERVICE_VERSION;
    if (version && !/^(\d\.\d|\d{4}-\d\d-\d\d)$/.test(version))
      mistakes.push(`HSM_KEY_VAULT_SERVICE_VERSION must be a version of Key Vault's API such as 7.4 or 2025-07-01, it is "${version}"`);
    return version;
  };
  const secretSettings = (): SecretSettings => {
    if (oneOf('HSM_SECRETS', ['file', 'key-vault'], 'file') === 'key-vault')
      return {
        kind: 'key-vault',
        url: vaultUrl(),
        ...optional('serviceVersion', serviceVersion()),
        verifyChallenge: oneOf('HSM_KEY_VAULT_CHALLENGE', ['verify', 'trust'], 'verify') === 'verify',
      };
    if (env.HSM_KEY_VAULT_URL) mistakes.push('HSM_KEY_VAULT_URL is set, but HSM_SECRETS is not key-vault: say which of the two stores is meant');
    return {
      kind: 'file',
      folder: env.HSM_SECRETS_FOLDER ?? inDataFolder('secrets'),
      keyFile: env.HSM_SECRETS_KEY_FILE ?? inDataFolder('secrets.key'),
      ...optional('key', env.HSM_SECRETS_KEY),
    };
  };
  const place = (name: string, usual: string): Place => {
    const url = env[`${name}_CONTAINER_URL`] ?? '';
    if (oneOf(name, ['folder', 'blob'], 'folder') === 'blob') {
      if (!isContainer(url))
        mistakes.push(
          `${name}_CONTAINER_URL must be the https address of a container, such as https://account.blob.core.windows.net/${usual}, if ${name} is blob`,
        );
      return { kind: 'blob', url };
    }
    if (url) mistakes.push(`${name}_CONTAINER_URL is set, but ${name} is not blob: set ${name}=blob, or remove the address`);
    return { kind: 'folder', folder: env[`${name}_FOLDER`] ?? inDataFolder(usual) };
  };
  mistakes.push(...identityMistakes(env, file), ...addressMistakes(env));
  if (env.HSM_SETTLE_MS) mistakes.push('HSM_SETTLE_MS is no longer used. Remove it; set HSM_COMMAND_MS where a LunaSH command may run longer than 150,000 ms');
  const settings: Settings = {
    azure: {
      ...optional('armEndpoint', address('HSM_ARM_ENDPOINT', ['https:'], 'https://management.azure.com')),
      ...optional('authorityHost', address('AZURE_AUTHORITY_HOST', ['https:'], 'https://login.microsoftonline.com')),
      ...optional('tenantId', env.AZURE_TENANT_ID),
      ...optional('clientId', env.AZURE_CLIENT_ID),
      ...optional('clientSecret', env.AZURE_CLIENT_SECRET),
      ...optional('certificatePath', env.AZURE_CLIENT_CERTIFICATE_PATH),
      ...optional('certificatePassword', env.AZURE_CLIENT_CERTIFICATE_PASSWORD),
      ...optional('federatedTokenFile', readable('AZURE_FEDERATED_TOKEN_FILE')),
      ...optional('tokenCredentials', env.AZURE_TOKEN_CREDENTIALS),
      timeoutMs: milliseconds('HSM_AZURE_TIMEOUT_MS', 60_000),
    },
    ...optional('authorityPem', file('HSM_CA_FILE')),
    ...optional('temporalAddress', env.TEMPORAL_ADDRESS),
    ...optional('proxy', address('HSM_PROXY', ['socks5:', 'socks5h:'], 'socks5://127.0.0.1:1080')),
    workerSources: list(env.HSM_WORKER_SOURCES),
    lunaVia: oneOf('HSM_LUNA_VIA', ['client', 'direct'], 'client'),
    lunaOldAlgorithms: oneOf('HSM_LUNA_OLD_ALGORITHMS', ['refuse', 'allow'], 'refuse') === 'allow',
    secrets: secretSettings(),
    record: place('HSM_RECORD', 'record'),
    reports: place('HSM_REPORTS', 'reports'),
    pollIntervalMs: milliseconds('HSM_POLL_INTERVAL_MS', 10_000),
    commandMs: milliseconds('HSM_COMMAND_MS', 150_000),
  };
  if (mistakes.length > 0)
    throw new Error(
      `The configuration has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`,
    );
  return settings;
}

/** An account's address may name the account in its path, as a private endpoint's or an emulator's does. A signature in the query would be a secret. */
function isContainer(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, username, search, pathname } = new URL(url);
  return protocol === 'https:' && username === '' && search === '' && /^\/[^/]+(\/[^/]+)?\/?$/.test(pathname);
}
