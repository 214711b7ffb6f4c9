import { randomUUID } from 'node:crypto';
import { type Identity, selfSigned } from '../certificates.ts';
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
  data: {
    password: string;
    passwordIsDefault: boolean;
    /** Signed-in tokens: bearer → when it ends. */
    tokens: Record<string, number>;
    refreshTokens: string[];
    ntp: NtpServer[];
    trial: Trial;
    licences: { id: string; license: string; bind_type: string }[];
    mkek: { id: string; createdAt: string };
  } & RootOfTrust;
}

export const version = '2.19.0+14195';

export const unsealed: RootOfTrust = { hsmServers: [], rotKeys: [], sealer: 'none' };

const freshData = (rootOfTrust: RootOfTrust): ManagerState['data'] => ({
  password: 'admin',
  passwordIsDefault: true,
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
  licences: [],
  mkek: { id: randomUUID(), createdAt: new Date().toISOString() },
  ...rootOfTrust,
});

/** `ksadmin` gets the key of the VM profile where that is its user, and the documented kind of key is RSA. */
export const isUsableKey = (key: string): boolean => /^ssh-rsa \S+/.test(key);

/** A manager that is switched on for the first time. */
export async function newManager(
  world: World,
  { name, address, adminUser, sshPublicKey }: { name: string; address: string; adminUser: string; sshPublicKey: string },
): Promise<ManagerState> {
  return {
    name,
    address,
    keyReplaced: adminUser === 'ksadmin' && isUsableKey(sshPublicKey),
    boot: await boot(world, world.durations.cipherTrustBoot),
    web: await newWebIdentity(name, address),
    data: freshData(unsealed),
  };
}

const newWebIdentity = (name: string, address: string): Promise<Identity> =>
  selfSigned({ commonName: `web.${name}.local`, names: { dns: [name], ip: [address] }, days: 730 });

/** Starts that take so many minutes; as an operation of its own the weather may let it be slow, or never end. */
export async function boot(world: World, minutes: number): Promise<Boot> {
  const fault = await world.weather.strike('ciphertrust:boot');
  const now = Date.now();
  const usualMs = world.clock.realMs(minutes);
  const startedAt = fault?.kind === 'never' ? Number.MAX_SAFE_INTEGER : now + usualMs + (fault?.kind === 'slow' ? world.clock.realMs(fault.amount ?? 1) : 0);
  return { listensAt: now + usualMs * 0.3, answersAt: now + usualMs * 0.6, startedAt };
}

export const isStarted = ({ keyReplaced, boot: { startedAt } }: ManagerState): boolean => keyReplaced && Date.now() >= startedAt;

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
  const keeps = (quirk: string) => world.quirks[quirk] === 'yes';
  const configured = state.nextWeb ?? state.web;
  const web = state.restart?.wipesTo && !keeps('ciphertrust.certificateSurvivesReset') ? await newWebIdentity(state.name, state.address) : configured;
  const next = await boot(world, state.restart?.minutes ?? world.durations.cipherTrustReset);
  const { ntp, trial } = state.data;
  const rootOfTrust = state.restart?.wipesTo;
  if (rootOfTrust)
    state.data = {
      ...freshData(rootOfTrust),
      ...(keeps('ciphertrust.ntpSurvivesReset') ? { ntp } : {}),
      ...(keeps('ciphertrust.trialSurvivesReset') ? { trial } : {}),
    };
  Object.assign(state, { web, boot: next });
  delete state.nextWeb;
  delete state.restart;
  world.changed();
}
