import { randomBytes, randomUUID } from 'node:crypto';
import { type Identity, issueServer, selfSigned } from '../certificates.ts';
import { newEcKey, newRsaKey } from '../ssh-key.ts';
import type { World } from '../world.ts';

export interface NtpServer {
  host: string;
  key?: string;
  key_type?: string;
  addedAt: number;
}

export interface HsmServer {
  id: string;
  type: 'luna';
  config: { host: string; partition_name: string; serial: string; 'server-cert': string };
}

export interface Trial {
  id: string;
  name: string;
  status: 'available' | 'activated' | 'deactivated';
  description: string;
  activated_at: string;
  deactivated_at: string;
}

export interface User {
  user_id: string;
  username: string;
  /** How the user is called; the user name where nothing is said. */
  name?: string;
  nickname?: string;
  email?: string;
  password: string;
  /** Is good for nothing but changing its password. */
  mustChange: boolean;
  /** Wrong passwords in a row, and until when nobody is let in because of them (ms since the epoch). */
  failures: number;
  lockedUntil: number;
}

/** What the password policy says about lockout: minutes for the first, second … failure in a row; the last one counts on. */
export interface Policy {
  failed_logins_lockout_thresholds: number[];
}

/** What stands between the manager and its root keys. */
export interface RootOfTrust {
  hsmServers: HsmServer[];
  rotKeys: { id: string; createdAt: string }[];
  sealer: 'none' | 'rapido';
}

/** Moments of a start, in ms since the epoch: connections are refused, then a proxy answers for a service that is not there, then services start. */
export interface Boot {
  listensAt: number;
  answersAt: number;
  startedAt: number;
}

export interface Restart {
  at: number;
  /** What is there afterwards, where all data is wiped. */
  wipesTo?: RootOfTrust;
  /** How long it takes where it is shorter than that of the whole application. */
  minutes?: number;
}

/** Everything that a CipherTrust Manager remembers. What a reset wipes stands under `data`. */
export interface ManagerState {
  name: string;
  address: string;
  /** The services start only when the default key of `ksadmin` is replaced. */
  keyReplaced: boolean;
  boot: Boot;
  web: Identity;
  /** What is presented after the next restart. */
  nextWeb?: Identity;
  /** A restart that was announced. */
  restart?: Restart;
  /** A password that it generated at its first start and wrote into a file. */
  generatedPassword?: string;
  /** The user of the VM and the key in its profile: who may sign in over SSH. */
  ssh: { user: string; keys: string[]; hostKeyPem: string };
  /** Since when no HSM of its root of trust answers (ms since the epoch); after long its services are shut down. */
  hsmOffline?: { since: number; stopped: boolean };
  /** Since when the alarm about that is on, ISO 8601. */
  alarmed?: string;
  data: {
    users: User[];
    policy: Policy;
    /** Password policies beside the global one, by name; absent where there never was one. */
    policies?: Record<string, Record<string, unknown>>;
    /** What was changed of interfaces, by name; absent where nothing was. */
    interfaces?: Record<string, Record<string, unknown>>;
    keys: { id: string; name: string }[];
    domains: { id: string; name: string }[];
    /** Signed-in tokens: bearer → when it ends. */
    tokens: Record<string, number>;
    refreshTokens: string[];
    ntp: NtpServer[];
    trial: Trial;
    licenses: { id: string; license: string; bind_type: string }[];
    mkek: { id: string; createdAt: string };
  } & RootOfTrust;
}

export const version = '2.19.0+14195';

export const unsealed: RootOfTrust = { hsmServers: [], rotKeys: [], sealer: 'none' };

const lockout = (world: World): number[] => (world.variants['ciphertrust.lockoutMinutes'] ?? '').split(',').filter(Boolean).map(Number);

const freshData = (world: World, rootOfTrust: RootOfTrust, generatedPassword: string | undefined): ManagerState['data'] => ({
  users: [newUser('admin', generatedPassword ?? 'admin', true)],
  policy: { failed_logins_lockout_thresholds: lockout(world) },
  keys: [],
  domains: [{ id: randomUUID(), name: 'root' }],
  tokens: {},
  refreshTokens: [],
  ntp: [],
  trial: {
    id: randomUUID(),
    name: 'CipherTrust Manager Full Trial',
    status: 'available',
    description: 'Full trial, 90 days',
    activated_at: '',
    deactivated_at: '',
  },
  licenses: [],
  mkek: { id: randomUUID(), createdAt: new Date().toISOString() },
  ...structuredClone(rootOfTrust),
});

export const newUser = (username: string, password: string, mustChange: boolean): User => ({
  user_id: `local|${randomUUID()}`,
  username,
  password,
  mustChange,
  failures: 0,
  lockedUntil: 0,
});

export const adminOf = ({ data }: ManagerState): User => data.users.find(({ username }) => username === 'admin')!;

/** Its own clock, in ms since the epoch. */
export const managerTime = (world: World): number => Date.now() + Number(world.variants['ciphertrust.clockSkewMinutes'] ?? 0) * 60_000;

/** `ksadmin` gets the key of the VM profile where that is its user, and the documented kind of key is RSA (docs/reference/ciphertrust.md#ksadmin-key). */
export const isUsableKey = ({ variants }: World, key: string): boolean =>
  (variants['ciphertrust.sshKeyTypes'] === 'any' ? /^(ssh|ecdsa)-\S+ \S+/ : /^ssh-rsa \S+/).test(key);

/** A manager that is switched on for the first time. */
export async function newManager(
  world: World,
  { name, address, adminUser, sshPublicKey, customData }: { name: string; address: string; adminUser: string; sshPublicKey: string; customData?: string },
): Promise<ManagerState> {
  const generates =
    world.variants['ciphertrust.initialPassword'] === 'generated' || (world.variants['ciphertrust.customData'] !== 'ignored' && asksToGenerate(customData));
  const generatedPassword = generates ? `Gen-1${randomBytes(8).toString('hex')}` : undefined;
  return {
    name,
    address,
    keyReplaced: adminUser === 'ksadmin' && isUsableKey(world, sshPublicKey),
    boot: await boot(world, world.durations.cipherTrustBoot),
    web: await newWebIdentity(world, name, address),
    ssh: { user: adminUser, keys: [sshPublicKey], hostKeyPem: hasEcKeys(world) ? await newEcKey() : await newRsaKey(2048) },
    ...(generatedPassword ? { generatedPassword } : {}),
    data: freshData(world, unsealed, generatedPassword),
  };
}

/** cloud-init user data, base64: the one setting for this machine that is publicly documented (docs/reference/ciphertrust.md#custom-data). */
const asksToGenerate = (customData: string | undefined): boolean =>
  /^\s+generate-password:\s*true\s*$/m.test(Buffer.from(customData ?? '', 'base64').toString('utf8'));

/** Of which kind its own keys are, is unknown (docs/reference/ciphertrust.md#web-certificate). */
export const hasEcKeys = ({ variants }: World): boolean => variants['ciphertrust.ownKeys'] === 'ec';

/** By its own clock; signed by itself, or by a local authority that is presented, too. */
async function newWebIdentity(world: World, name: string, address: string): Promise<Identity> {
  const notBefore = new Date(managerTime(world) - 60_000);
  const wanted = {
    commonName: `web.${name}.local`,
    names: { dns: [name], ip: [address] },
    days: 730,
    notBefore,
    ...(hasEcKeys(world) ? { key: 'ec' as const } : {}),
  };
  if (world.variants['ciphertrust.webChain'] !== 'authority') return selfSigned(wanted);
  const { certificatePem, authorityPem, privateKeyPem } = await issueServer(wanted);
  return { certificatePem: `${certificatePem}${authorityPem}`, privateKeyPem };
}

/** Starts that take so many minutes; as an operation of its own a fault may let it be slow, or never end. */
export async function boot(world: World, minutes: number): Promise<Boot> {
  const fault = await world.faults.strike('ciphertrust:boot');
  const now = Date.now();
  const usualMs = world.clock.realMs(minutes);
  const startedAt = fault?.kind === 'never' ? Number.MAX_SAFE_INTEGER : now + usualMs + (fault?.kind === 'slow' ? world.clock.realMs(fault.amount ?? 1) : 0);
  const answersAt = now + usualMs * 0.6;
  return { listensAt: world.variants['ciphertrust.bootPages'] === 'none' ? answersAt : now + usualMs * 0.3, answersAt, startedAt };
}

export const isStarted = ({ keyReplaced, boot: { startedAt }, hsmOffline }: ManagerState): boolean =>
  keyReplaced && Date.now() >= startedAt && !hsmOffline?.stopped;

/** Announces a restart. It comes about even if the simulator is restarted before. */
export function announceRestart(
  { world, state, delaySeconds }: { world: World; state: ManagerState; delaySeconds: number },
  what: Omit<Restart, 'at'> = {},
): void {
  state.restart = { at: Date.now() + world.clock.realMs(delaySeconds / 60), ...what };
  world.changed();
}

/** Carries out the announced restart. A wipe takes all data, and a new web certificate is made; the system’s keys and network stay. */
export async function restart(world: World, state: ManagerState): Promise<void> {
  const keeps = (variant: string) => world.variants[variant] === 'yes';
  const configured = state.nextWeb ?? state.web;
  const web = state.restart?.wipesTo && !keeps('ciphertrust.certificateSurvivesReset') ? await newWebIdentity(world, state.name, state.address) : configured;
  const next = await boot(world, state.restart?.minutes ?? world.durations.cipherTrustReset);
  const { ntp, trial } = state.data;
  const rootOfTrust = state.restart?.wipesTo;
  if (rootOfTrust)
    state.data = {
      ...freshData(world, rootOfTrust, world.variants['ciphertrust.passwordAfterReset'] === 'admin' ? undefined : state.generatedPassword),
      ...(keeps('ciphertrust.ntpSurvivesReset') ? { ntp } : {}),
      ...(keeps('ciphertrust.trialSurvivesReset') ? { trial } : {}),
    };
  if (rootOfTrust && world.variants['ciphertrust.sshKeySurvivesReset'] === 'no') state.keyReplaced = false;
  Object.assign(state, { web, boot: next });
  delete state.nextWeb;
  delete state.restart;
  world.changed();
}
