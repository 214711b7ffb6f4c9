import type { AzureState } from '../../../simulator/azure/state.ts';
import type { ManagerState } from '../../../simulator/ciphertrust/state.ts';
import { Clock } from '../../../simulator/clock.ts';
import { usualDurations } from '../../../simulator/durations.ts';
import { Faults } from '../../../simulator/faults.ts';
import { reachable, signInAsCryptoOfficer, viewOf } from '../../../simulator/luna/ntls.ts';
import type { ApplianceState, ClientState } from '../../../simulator/luna/state.ts';
import { VirtualNetwork } from '../../../simulator/network/network.ts';
import { type Entry, RequestLog, settle } from '../../../simulator/request-log.ts';
import { runScript } from '../../../simulator/windows/exec.ts';
import { LunaClient } from '../../../simulator/windows/luna-client.ts';
import type { HostState } from '../../../simulator/windows/state.ts';
import type { Appliance, CipherTrust, Machine, NtlsAttempt, WindowsHost, World } from '../../../simulator/world.ts';

/** What takes time is over at once: an attempt that takes over waits for it before it looks. */
class NoTime extends Clock {
  override realMs(): number {
    return 0;
  }
  override async sleepMinutes(): Promise<void> {}
}

const installer = 'https://downloads.example.com/luna/LunaHSMClient-7.4.0.exe';

export interface WorldState {
  appliances?: Record<string, ApplianceState>;
  windowsHosts?: Record<string, HostState>;
  cipherTrusts?: Record<string, ManagerState>;
  azure?: AzureState;
}

/** The simulated world without sockets. `arrived` is told of each arrival before anything is done about it. */
export function memoryWorld(state: WorldState, arrived: (entry: Entry) => void): World {
  const world: World = {
    clock: new NoTime(1),
    durations: usualDurations,
    requestLog: new RequestLog([], arrived),
    faults: new Faults(),
    network: new VirtualNetwork(),
    variants: {},
    downloads: new Map([[installer, Buffer.from('Luna HSM client 7.4.0 (simulated installer)\n')]]),
    state: state as Record<string, unknown>,
    changed: () => {},
    machines: {
      appliance: async (spec) => switchedOn<Appliance>(spec),
      async windowsHost(spec) {
        const host = switchedOn<WindowsHost>(spec);
        world.windowsHosts.set(spec.address, host);
        return host;
      },
      cipherTrust: async (spec) => switchedOn<CipherTrust>(spec),
    },
    scrap: () => {},
    appliances: new Map(),
    windowsHosts: new Map(),
    cipherTrusts: new Map(),
  };
  for (const host of Object.values(state.windowsHosts ?? {})) world.windowsHosts.set(host.address, hostOf(world, host));
  for (const appliance of Object.values(state.appliances ?? {})) world.appliances.set(appliance.address, applianceOf(appliance));
  return world;
}

/** A machine that Azure has switched on. What is done with it is explored from a state of its own. */
const switchedOn = <M extends Machine>({ address }: { address: string }): M => ({ address, ports: {}, attach: () => {}, stop: async () => {} }) as unknown as M;

/** The Windows host as Azure's agent sees it. */
const hostOf = (world: World, state: HostState): WindowsHost => ({
  ...switchedOn<WindowsHost>(state),
  async runScript(script, parameters) {
    const entry = world.requestLog.arrive({ system: 'windows', connection: 'agent', operation: 'windows:run-script', target: state.address });
    const ran = await runScript(new LunaClient(world, state), script, parameters, 'ssh-rsa AAAA system@host');
    settle(entry, ran.exitCode === 0 ? 'done' : 'failed');
    return ran;
  },
});

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
