import { selfSigned } from '../certificates.ts';
import { type ApplianceState, erasePartitions, initialize, newPartition, refuseSo, zeroize } from '../luna/state.ts';
import type { World } from '../world.ts';

/** What somebody else does by hand, behind the back of a job, and what it is done with. */
interface Acts {
  'initialize-hsm': { label: string; soPassword?: string };
  zeroize: object;
  relabel: { label: string };
  'change-so-password': { password: string };
  /** One wrong password of the SO. */
  'mistype-so-password': object;
  /** A sign-in with the right password: all attempts are there again. */
  'sign-in-as-so': object;
  'turn-on-fips': object;
  'create-partition': { name: string; sizeBytes?: number; objects?: number };
  'delete-partition': { name: string };
  'register-client': { name: string; ip: string; certificatePem?: string };
  'delete-client': { name: string };
  'set-clock': { skewMinutes?: number; zone?: string };
  'change-appliance-password': { password: string };
  /** The appliance has another address than Azure says. */
  readdress: { eth0: string };
}

export type Tampering = { [What in keyof Acts]: { what: What; address: string } & Acts[What] }[keyof Acts];

const acts: { [What in keyof Acts]: (state: ApplianceState, how: Acts[What]) => void | Promise<void> } = {
  'initialize-hsm'(state, { label, soPassword = 'someone-elses-password' }) {
    initialize(state, { label, soPassword, domain: 'someone-elses-domain' });
  },
  zeroize,
  relabel({ hsm }, { label }) {
    hsm.label = label;
  },
  'change-so-password'({ hsm }, { password }) {
    hsm.soPassword = password;
  },
  'mistype-so-password': refuseSo,
  'sign-in-as-so'({ hsm }) {
    hsm.soAttemptsLeft = 3;
  },
  'turn-on-fips'(state) {
    erasePartitions(state);
    state.hsm.fips = true;
  },
  'create-partition'({ hsm }, { name, sizeBytes = 100_000, objects = 0 }) {
    hsm.partitions.push({ ...newPartition(name, sizeBytes), objects: Array.from({ length: objects }, (_, index) => `their-key-${index + 1}`) });
  },
  'delete-partition'({ hsm, clients }, { name }) {
    hsm.partitions = hsm.partitions.filter((partition) => partition.name !== name);
    for (const client of clients) client.partitions = client.partitions.filter((assigned) => assigned !== name);
  },
  async 'register-client'({ clients }, { name, ip, certificatePem }) {
    clients.push({ name, ip, certificatePem: certificatePem ?? (await selfSigned({ commonName: ip })).certificatePem, partitions: [] });
  },
  'delete-client'(state, { name }) {
    state.clients = state.clients.filter((client) => client.name !== name);
  },
  'set-clock'({ clock }, how) {
    Object.assign(clock, how.skewMinutes === undefined ? {} : { skewMinutes: how.skewMinutes }, how.zone === undefined ? {} : { zone: how.zone });
  },
  'change-appliance-password'({ users }, { password }) {
    Object.assign(users[0]!, { password, mustChange: false });
  },
  readdress(state, { eth0 }) {
    state.eth0 = eth0;
  },
};

/** Does it; or says why it cannot. */
export async function tamper(world: World, tampering: Tampering): Promise<string | undefined> {
  const appliance = world.appliances.get(tampering?.address);
  if (!appliance) return `There is no appliance at ${tampering?.address}.`;
  if (!Object.hasOwn(acts, tampering.what)) return `Known are ${Object.keys(acts).join(', ')}.`;
  await (acts[tampering.what] as (state: ApplianceState, how: Tampering) => void | Promise<void>)(appliance.state, tampering);
  world.changed();
  return undefined;
}
