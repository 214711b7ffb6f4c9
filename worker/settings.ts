import { readFileSync } from 'node:fs';

/** Where things are and how to reach them: configuration decides, never the code. Temporal's own settings are Temporal's (`TEMPORAL_ADDRESS` …). */
export interface Settings {
  azure: {
    /** Overrides the cloud's own endpoint, for a private ARM endpoint. */
    armEndpoint?: string;
    authorityHost?: string;
    tenantId?: string;
    clientId?: string;
    clientSecret?: string;
    /** How long an answer of Azure is waited for, in milliseconds; Azure itself gives up after a minute. */
    timeoutMs: number;
  };
  /** PEM of an additional authority for the Azure endpoints. */
  authorityPem?: string;
  /** `socks5://host:port`: the only way out, where set. */
  proxy?: string;
  /** Address ranges that this worker's connections come from, for the temporary firewall rules. */
  workerSources: string[];
  /** How the HSM is reached: through the Windows host or directly. */
  lunaVia: 'client' | 'direct';
  /** May SSH to HSMs use algorithms that are too weak by today's measure, where the appliance offers nothing better? */
  lunaOldAlgorithms: boolean;
  secrets: { folder: string; keyFile: string; key?: string };
  reportsFolder: string;
  /** How long to wait between two looks where the server asks for nothing else, in milliseconds. */
  pollIntervalMs: number;
  /** How long an interrupted destructive command may still be running on the other side, in milliseconds: waited out before looking again. */
  settleMs: number;
}

const list = (value: string | undefined): string[] =>
  (value ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

/** Reads the settings from the environment; every mistake at once. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const mistakes: string[] = [];
  const oneOf = <Choice extends string>(name: string, choices: readonly Choice[], usual: Choice): Choice => {
    const value = (env[name] ?? usual) as Choice;
    if (!choices.includes(value)) mistakes.push(`${name} must be one of ${choices.join(', ')}, it is "${value}"`);
    return value;
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
  const settings: Settings = {
    azure: {
      ...optional('armEndpoint', env.HSM_ARM_ENDPOINT),
      ...optional('authorityHost', env.AZURE_AUTHORITY_HOST),
      ...optional('tenantId', env.AZURE_TENANT_ID),
      ...optional('clientId', env.AZURE_CLIENT_ID),
      ...optional('clientSecret', env.AZURE_CLIENT_SECRET),
      timeoutMs: milliseconds('HSM_AZURE_TIMEOUT_MS', 60_000),
    },
    ...optional('authorityPem', file('HSM_CA_FILE')),
    ...optional('proxy', env.HSM_PROXY),
    workerSources: list(env.HSM_WORKER_SOURCES),
    lunaVia: oneOf('HSM_LUNA_VIA', ['client', 'direct'], 'client'),
    lunaOldAlgorithms: oneOf('HSM_LUNA_OLD_ALGORITHMS', ['refuse', 'allow'], 'refuse') === 'allow',
    secrets: {
      folder: env.HSM_SECRETS_FOLDER ?? '.data/secrets',
      keyFile: env.HSM_SECRETS_KEY_FILE ?? '.data/secrets.key',
      ...optional('key', env.HSM_SECRETS_KEY),
    },
    reportsFolder: env.HSM_REPORTS_FOLDER ?? '.data/reports',
    pollIntervalMs: milliseconds('HSM_POLL_INTERVAL_MS', 10_000),
    settleMs: milliseconds('HSM_SETTLE_MS', 60_000),
  };
  if (mistakes.length > 0)
    throw new Error(
      `The configuration has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`,
    );
  return settings;
}
