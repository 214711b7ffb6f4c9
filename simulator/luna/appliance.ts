import { randomUUID } from 'node:crypto';
import type { ServerChannel } from 'ssh2';
import { selfSigned } from '../certificates.ts';
import { Doors } from '../machine.ts';
import { newRsaKey } from '../ssh-key.ts';
import { serveSsh } from '../ssh-server.ts';
import type { Appliance, World } from '../world.ts';
import { reachable, signInAsCryptoOfficer, viewOf } from './ntls.ts';
import { algorithmsOf } from './sign-in.ts';
import { type ApplianceState, newCounts } from './state.ts';
import { receive } from './visit.ts';

/** How Azure delivers an appliance: zeroized, `tenantadmin` with the password `PASSWORD`, NTLS bound to nothing. */
async function delivered(world: World, { name, address }: { name: string; address: string }): Promise<ApplianceState> {
  const server = await selfSigned({ commonName: 'local_host' });
  return {
    name,
    address,
    server,
    hostname: 'local_host',
    hostKeyPem: await newRsaKey(2048),
    users: [{ name: 'tenantadmin', password: 'PASSWORD', mustChange: true }],
    files: { 'server.pem': server.certificatePem },
    hsm: { serial: '572413', label: '', zeroized: true, soAttemptsLeft: 3, fips: false, partitions: [] },
    counts: newCounts(),
    clients: [],
    ntls: { device: null, running: true, ipCheck: true },
    clock: { skewMinutes: Number(world.variants['luna.clockSkewMinutes'] ?? 0), zone: world.variants['luna.zone'] ?? 'EDT' },
  };
}

/** A Luna Network HSM 7.2 as Azure Dedicated HSM delivers it: LunaSH and scp over SSH, and NTLS for the machines in the same world. */
export async function createAppliance(world: World, spec: { name: string; address: string }): Promise<Appliance> {
  const all = (world.state['appliances'] ??= {}) as Record<string, ApplianceState>;
  const state = (all[spec.address] ??= await delivered(world, spec));
  world.changed();
  const commandLines: string[] = [];
  const shells = new Set<ServerChannel>();
  const server = await serveSsh({ hostKeys: [state.hostKeyPem], ...algorithmsOf(world) }, (connection) =>
    receive({ world, state, connection, id: randomUUID().slice(0, 8), user: '', commandLines, shells }),
  );
  const doors = new Doors(world.network, state.address);
  doors.open(22, server.port);
  const partitionOf = (serial: string) => state.hsm.partitions.find((partition) => partition.serial === serial);
  return {
    address: state.address,
    commandLines,
    ports: doors.ports,
    attach: (address) => doors.attach(address),
    async stop() {
      doors.close();
      await server.stop();
    },
    get serial() {
      return state.hsm.serial;
    },
    get zeroized() {
      return state.hsm.zeroized;
    },
    ntls(attempt) {
      const seen = reachable(state, attempt);
      return seen.ok ? { ok: true, partitions: seen.partitions.map(viewOf) } : seen;
    },
    cryptoOfficerSignIn(attempt, serial, password) {
      const seen = reachable(state, attempt);
      if (!seen.ok) return seen;
      const partition = seen.partitions.find((candidate) => candidate.serial === serial);
      if (!partition) return { ok: false, why: `no partition with the serial ${serial} is assigned to this client` };
      const signedIn = signInAsCryptoOfficer(partition, password);
      world.changed();
      return signedIn.ok ? { ok: true, partition: viewOf(partition) } : signedIn;
    },
    addObjects(serial, labels) {
      const partition = partitionOf(serial);
      for (const label of labels) if (partition && !partition.objects.includes(label)) partition.objects.push(label);
      world.changed();
    },
    partition: partitionOf,
    state,
    summary: () => ({
      address: state.address,
      serial: state.hsm.serial,
      label: state.hsm.label,
      zeroized: state.hsm.zeroized,
      fips: state.hsm.fips,
      soAttemptsLeft: state.hsm.soAttemptsLeft,
      counts: state.counts,
      partitions: state.hsm.partitions.map(viewOf),
      clients: state.clients.map(({ name, ip, hostname, partitions }) => ({ name, ip, hostname, partitions })),
    }),
  };
}
