import type { Place } from '../stores/place.ts';
import type { SecretSettings } from '../stores/secrets/settings.ts';
import type { Settings } from '../systems/settings.ts';
import { addressMistakes } from './addresses.ts';
import { Environment } from './environment.ts';
import { identityMistakes } from './identity-settings.ts';

/** Reads the settings from the environment; every mistake at once. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const from = new Environment(env);
  from.mistakes.push(...identityMistakes(env, (name) => from.file(name)), ...addressMistakes(env), ...retiredSettings(env));
  const settings: Settings = {
    azure: azureSettings(from),
    ...optional('authorityPem', from.file('HSM_CA_FILE')),
    ...optional('temporalAddress', env.TEMPORAL_ADDRESS),
    ...optional('proxy', from.address('HSM_PROXY', ['socks5:', 'socks5h:'], 'socks5://127.0.0.1:1080')),
    workerSources: from.list('HSM_WORKER_SOURCES'),
    lunaVia: from.oneOf('HSM_LUNA_VIA', ['client', 'direct'], 'client'),
    lunaOldAlgorithms: from.oneOf('HSM_LUNA_OLD_ALGORITHMS', ['refuse', 'allow'], 'refuse') === 'allow',
    secrets: secretSettings(from),
    record: place(from, 'HSM_RECORD', 'record'),
    reports: place(from, 'HSM_REPORTS', 'reports'),
    pollIntervalMs: from.milliseconds('HSM_POLL_INTERVAL_MS', 10_000),
    commandMs: from.milliseconds('HSM_COMMAND_MS', 150_000),
  };
  if (from.mistakes.length > 0) throw misconfigured(from.mistakes);
  return settings;
}

const misconfigured = (mistakes: readonly string[]): Error =>
  new Error(
    `The configuration has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`,
  );

const retiredSettings = ({ HSM_SETTLE_MS: retired }: NodeJS.ProcessEnv): string[] =>
  retired ? ['HSM_SETTLE_MS is no longer used. Remove it; set HSM_COMMAND_MS where a LunaSH command may run longer than 150,000 ms'] : [];

const optional = <Key extends string>(key: Key, value: string | undefined) => (value ? ({ [key]: value } as Record<Key, string>) : {});

function azureSettings(from: Environment): Settings['azure'] {
  const env = from.variables;
  return {
    ...optional('armEndpoint', from.address('HSM_ARM_ENDPOINT', ['https:'], 'https://management.azure.com')),
    ...optional('authorityHost', from.address('AZURE_AUTHORITY_HOST', ['https:'], 'https://login.microsoftonline.com')),
    ...optional('tenantId', env.AZURE_TENANT_ID),
    ...optional('clientId', env.AZURE_CLIENT_ID),
    ...optional('clientSecret', env.AZURE_CLIENT_SECRET),
    ...optional('certificatePath', env.AZURE_CLIENT_CERTIFICATE_PATH),
    ...optional('certificatePassword', env.AZURE_CLIENT_CERTIFICATE_PASSWORD),
    ...optional('federatedTokenFile', from.readable('AZURE_FEDERATED_TOKEN_FILE')),
    ...optional('tokenCredentials', env.AZURE_TOKEN_CREDENTIALS),
    timeoutMs: from.milliseconds('HSM_AZURE_TIMEOUT_MS', 60_000),
  };
}

function secretSettings(from: Environment): SecretSettings {
  const env = from.variables;
  if (from.oneOf('HSM_SECRETS', ['file', 'key-vault'], 'file') === 'key-vault')
    return {
      kind: 'key-vault',
      url: vaultUrl(from),
      ...optional('serviceVersion', vaultVersion(from)),
      verifyChallenge: from.oneOf('HSM_KEY_VAULT_CHALLENGE', ['verify', 'trust'], 'verify') === 'verify',
    };
  if (env.HSM_KEY_VAULT_URL) from.mistakes.push('HSM_KEY_VAULT_URL is set, but HSM_SECRETS is not key-vault: say which of the two stores is meant');
  return {
    kind: 'file',
    folder: env.HSM_SECRETS_FOLDER ?? from.inDataFolder('secrets'),
    keyFile: env.HSM_SECRETS_KEY_FILE ?? from.inDataFolder('secrets.key'),
    ...optional('key', env.HSM_SECRETS_KEY),
  };
}

function vaultUrl({ variables, mistakes }: Environment): string {
  const url = variables.HSM_KEY_VAULT_URL ?? '';
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:' || new URL(url).username !== '')
    mistakes.push('HSM_KEY_VAULT_URL must be the https address of a vault, such as https://my-vault.vault.azure.net, where HSM_SECRETS is key-vault');
  return url;
}

function vaultVersion({ variables, mistakes }: Environment): string | undefined {
  const version = variables.HSM_KEY_VAULT_SERVICE_VERSION;
  if (version && !/^(\d\.\d|\d{4}-\d\d-\d\d)$/.test(version))
    mistakes.push(`HSM_KEY_VAULT_SERVICE_VERSION must be a version of Key Vault's API such as 7.4 or 2025-07-01, it is "${version}"`);
  return version;
}

function place(from: Environment, name: string, usual: string): Place {
  const { variables, mistakes } = from;
  const url = variables[`${name}_CONTAINER_URL`] ?? '';
  if (from.oneOf(name, ['folder', 'blob'], 'folder') === 'blob') {
    if (!isContainer(url))
      mistakes.push(
        `${name}_CONTAINER_URL must be the https address of a container, such as https://account.blob.core.windows.net/${usual}, if ${name} is blob`,
      );
    return { kind: 'blob', url };
  }
  if (url) mistakes.push(`${name}_CONTAINER_URL is set, but ${name} is not blob: set ${name}=blob, or remove the address`);
  return { kind: 'folder', folder: variables[`${name}_FOLDER`] ?? from.inDataFolder(usual) };
}

/** An account's address may name the account in its path, as a private endpoint's or an emulator's does. A signature in the query would be a secret. */
function isContainer(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, username, search, pathname } = new URL(url);
  return protocol === 'https:' && username === '' && search === '' && /^\/[^/]+(\/[^/]+)?\/?$/.test(pathname);
}
