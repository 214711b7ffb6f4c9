import type { ManagerState } from '../../../simulator/ciphertrust/state.ts';
import { Clock } from '../../../simulator/clock.ts';
import { usualDurations } from '../../../simulator/durations.ts';
import { type Entry, Ledger } from '../../../simulator/ledger.ts';
import { reachable, signInAsCryptoOfficer, viewOf } from '../../../simulator/luna/ntls.ts';
import type { ApplianceState, ClientState } from '../../../simulator/luna/state.ts';
import { VirtualNetwork } from '../../../simulator/network/network.ts';
import { Weather } from '../../../simulator/weather.ts';
import type { HostState } from '../../../simulator/windows/state.ts';
import type { Appliance, NtlsAttempt, World } from '../../../simulator/world.ts';

/** What takes time is over at once: an attempt that takes over waits for it before it looks. */
class NoTime extends Clock {
  override realMs(): number {
    return 0;
  }
  override async sleepMinutes(): Promise<void> {}
}

export interface WorldState {
  appliances?: Record<string, ApplianceState>;
  windowsHosts?: Record<string, HostState>;
  cipherTrusts?: Record<string, ManagerState>;
}

/** The simulated world without sockets. `arrived` is told of each arrival before anything is done about it. */
export function memoryWorld(state: WorldState, arrived: (entry: Entry) => void): World {
  const nobody = () => Promise.reject(new Error('Nothing is switched on here.'));
  const world: World = {
    clock: new NoTime(1),
    durations: usualDurations,
    ledger: new Ledger([], arrived),
    weather: new Weather(),
    network: new VirtualNetwork(),
    quirks: {},
    downloads: new Map(),
    state: state as Record<string, unknown>,
    changed: () => {},
    machines: { appliance: nobody, windowsHost: nobody, cipherTrust: nobody },
    scrap: () => {},
    appliances: new Map(),
    windowsHosts: new Map(),
    cipherTrusts: new Map(),
  };
  for (const appliance of Object.values(state.appliances ?? {})) world.appliances.set(appliance.address, applianceOf(appliance));
  return world;
}

/** Who was let in over NTLS, by all that counts for it: comparing keys would take most of the time. */
const judged = new Map<string, { ok: true; client: ClientState } | { ok: false; why: string }>();

/** The appliance as the machines beside it see it. */
function applianceOf(state: ApplianceState): Appliance {
  const reach = (attempt: NtlsAttempt): ReturnType<typeof reachable> => {
    const asked = JSON.stringify([state.ntls, state.clients, state.clock, attempt]);
    const known = judged.get(asked);
    if (known && !known.ok) return known;
    if (known) return { ok: true, partitions: state.hsm.partitions.filter(({ name }) => known.client.partitions.includes(name)) };
    const seen = reachable(state, attempt);
    const client = state.clients.find(({ certificatePem }) => certificatePem.trim() === attempt.clientCertificatePem.trim());
    judged.set(asked, seen.ok && client ? { ok: true, client: structuredClone(client) } : (seen as { ok: false; why: string }));
    return seen;
  };
  const partitionOf = (serial: string) => state.hsm.partitions.find((partition) => partition.serial === serial);
  return {
    address: state.address,
    ports: {},
    commandLines: [],
    attach: () => {},
    stop: async () => {},
    state,
    get serial() {
      return state.hsm.serial;
    },
    get zeroized() {
      return state.hsm.zeroized;
    },
    ntls(attempt) {
      const seen = reach(attempt);
      return seen.ok ? { ok: true, partitions: seen.partitions.map(viewOf) } : seen;
    },
    cryptoOfficerSignIn(attempt, serial, password) {
      const seen = reach(attempt);
      const partition = seen.ok ? seen.partitions.find((each) => each.serial === serial) : undefined;
      if (!partition) return { ok: false, why: seen.ok ? 'no such partition' : seen.why };
      const signedIn = signInAsCryptoOfficer(partition, password);
      return signedIn.ok ? { ok: true, partition: viewOf(partition) } : signedIn;
    },
    addObjects(serial, labels) {
      partitionOf(serial)?.objects.push(...labels);
    },
    partition: partitionOf,
    summary: () => ({}),
  };
}
