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

/** Everything that a CipherTrust Manager remembers. What `hsm/setup` wipes stands under `data`. */
export interface ManagerState {
  name: string;
  address: string;
  sshPublicKey: string;
  /** When the services are up (ms since the epoch); before that it boots. */
  bootStartedAt: number;
  startedAt: number;
  web: Identity;
  data: {
    password: string;
    passwordIsDefault: boolean;
    /** Signed-in tokens: bearer → when it ends. */
    tokens: Record<string, number>;
    refreshTokens: string[];
    ntp: NtpServer[];
    trial: 'available' | 'activated' | 'deactivated';
    trialId: string;
    licences: { id: string; license: string; bind_type: string }[];
    hsmServers: HsmServer[];
    rotKeys: { id: string; createdAt: string }[];
    sealer: 'none' | 'rapido';
  };
}

export const version = '2.19.0+14195';

const freshData = (): ManagerState['data'] => ({
  password: 'admin',
  passwordIsDefault: true,
  tokens: {},
  refreshTokens: [],
  ntp: [],
  trial: 'available',
  trialId: randomUUID(),
  licences: [],
  hsmServers: [],
  rotKeys: [],
  sealer: 'none',
});

export async function newManager(
  world: World,
  { name, address, sshPublicKey }: { name: string; address: string; sshPublicKey: string },
): Promise<ManagerState> {
  const now = Date.now();
  return {
    name,
    address,
    sshPublicKey,
    bootStartedAt: now,
    startedAt: world.clock.inMinutes(world.durations.cipherTrustBoot),
    web: await newWebIdentity(name, address),
    data: freshData(),
  };
}

const newWebIdentity = (name: string, address: string): Promise<Identity> =>
  selfSigned({ commonName: `web.${name}.local`, names: { dns: [name], ip: [address] }, days: 730 });

/** What `hsm/setup` does at its end: all data is gone, the web certificate is new, the services start again. */
export async function wipe(world: World, state: ManagerState, kept: Partial<ManagerState['data']>): Promise<void> {
  const { ntp, trial } = state.data;
  state.web = await newWebIdentity(state.name, state.address);
  state.data = {
    ...freshData(),
    ...kept,
    ...(world.quirks['ciphertrust.ntpSurvivesReset'] === 'yes' ? { ntp } : {}),
    ...(world.quirks['ciphertrust.trialSurvivesReset'] === 'yes' ? { trial } : {}),
  };
  state.bootStartedAt = Date.now();
  state.startedAt = world.clock.inMinutes(world.durations.cipherTrustReset);
  world.changed();
}
