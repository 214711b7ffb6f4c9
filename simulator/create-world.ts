import { createCipherTrust } from './ciphertrust/ciphertrust.ts';
import { Clock } from './clock.ts';
import { type Durations, usualDurations } from './durations.ts';
import { Faults } from './faults.ts';
import { createAppliance } from './luna/appliance.ts';
import { VirtualNetwork } from './network/network.ts';
import { type Entry, RequestLog } from './request-log.ts';
import { StateFile } from './state-file.ts';
import { createWindowsHost } from './windows/windows-host.ts';
import type { Appliance, CipherTrust, Machine, Machines, WindowsHost, World } from './world.ts';

export interface WorldOptions {
  timeScale: number;
  /** Where the world is kept between two runs; nowhere when absent. */
  stateFile?: string;
  variants?: Record<string, string>;
  durations?: Partial<Durations>;
  /** A world to go on from, where it is kept in no file. */
  state?: Record<string, unknown>;
  /** Told of each arrival at once, before anything is done about it. */
  arrived?: (entry: Entry) => void;
  /** Faults that a test plans itself. */
  faults?: Faults;
  /** Other machines than the simulated ones, for tests of a single part. */
  machines?: Partial<Machines>;
}

export type RunningWorld = World & {
  /** Writes the world to its file now. */
  save(): Promise<void>;
  /** Switches every machine off, and goes on as another world that was kept; what is no machine’s and not in it stays. */
  replace(state: Record<string, unknown>): Promise<void>;
  /** Switches every machine off and keeps the world. */
  stop(): Promise<void>;
};

type Kind = keyof Machines;
interface KeptMachine {
  kind: Kind;
  spec: never;
  publicAddresses: string[];
}

/** Where machines keep what they know, by address. */
const memories = ['appliances', 'windowsHosts', 'cipherTrusts'];

/** The simulated world: empty, or as it was when it was kept. Machines that were on are on again, with their keys, certificates and passwords. */
export async function createWorld(options: WorldOptions): Promise<RunningWorld> {
  const file = new StateFile(options.stateFile, options.state);
  const state = file.state as { requestLog?: Entry[]; machines?: Record<string, KeptMachine> } & Record<string, unknown>;
  state.requestLog ??= [];
  const kept = (state.machines ??= {});
  const network = new VirtualNetwork();
  const running: Machine[] = [];

  const forget = (address: string) => {
    for (const memory of memories) delete (state[memory] as Record<string, unknown> | undefined)?.[address];
  };

  const switchOn = async <M extends Machine>(kind: Kind, spec: { address: string }, build: () => Promise<M>, map: Map<string, M>): Promise<M> => {
    const own = (kept[spec.address] ??= { kind, spec: spec as never, publicAddresses: [] });
    const machine = await build();
    if (kept[spec.address] !== own) {
      // It was scrapped while it was being made.
      await machine.stop();
      if (!kept[spec.address]) forget(spec.address);
      return Object.assign(machine, { attach: () => {} });
    }
    const reachable = withAddresses(machine, network, own.publicAddresses, () => file.changed());
    running.push(reachable);
    map.set(spec.address, reachable);
    file.changed();
    return reachable;
  };

  const switchOnKept = async () => {
    await Promise.all(Object.values(kept).map(({ kind, spec }) => world.machines[kind](spec)));
  };

  const world: RunningWorld = {
    clock: new Clock(options.timeScale),
    durations: { ...usualDurations, ...options.durations },
    requestLog: new RequestLog(state.requestLog, options.arrived),
    faults: options.faults ?? new Faults(),
    network,
    variants: options.variants ?? {},
    downloads: new Map(
      ['7.2.0', '7.4.0', '10.9.2'].map((version) => [
        `https://downloads.example.com/luna/LunaHSMClient-${version}.exe`,
        Buffer.from(`Luna HSM client ${version} (simulated installer)\n`),
      ]),
    ),
    state,
    changed: () => file.changed(),
    appliances: new Map<string, Appliance>(),
    windowsHosts: new Map<string, WindowsHost>(),
    cipherTrusts: new Map<string, CipherTrust>(),
    machines: {
      appliance: (spec) => switchOn('appliance', spec, () => (options.machines?.appliance ?? ((own) => createAppliance(world, own)))(spec), world.appliances),
      windowsHost: (spec) =>
        switchOn('windowsHost', spec, () => (options.machines?.windowsHost ?? ((own) => createWindowsHost(world, own)))(spec), world.windowsHosts),
      cipherTrust: (spec) =>
        switchOn('cipherTrust', spec, () => (options.machines?.cipherTrust ?? ((own) => createCipherTrust(world, own)))(spec), world.cipherTrusts),
    },
    scrap(address) {
      for (const map of [world.appliances, world.windowsHosts, world.cipherTrusts]) {
        void map.get(address)?.stop();
        map.delete(address);
      }
      running.splice(0, Infinity, ...running.filter((machine) => machine.address !== address));
      delete kept[address];
      forget(address);
      file.changed();
    },
    async replace(next) {
      await Promise.all(running.splice(0).map((machine) => machine.stop()));
      for (const map of [world.appliances, world.windowsHosts, world.cipherTrusts]) map.clear();
      const { requestLog = [], machines = {}, ...others } = structuredClone(next) as typeof state;
      for (const memory of memories) delete state[memory];
      Object.assign(state, others);
      world.requestLog.load(requestLog);
      for (const address of Object.keys(kept)) delete kept[address];
      Object.assign(kept, machines);
      await switchOnKept();
      file.changed();
    },
    async save() {
      file.save();
    },
    async stop() {
      world.faults.clear();
      await Promise.all(running.map((machine) => machine.stop()));
      file.save();
    },
  };
  await switchOnKept();
  return world;
}

/** A machine keeps its own listeners on the network (one that does not is attached here); what is kept is under which public addresses it can be reached, too. */
function withAddresses<M extends Machine>(machine: M, network: VirtualNetwork, publicAddresses: string[], changed: () => void): M {
  for (const [port, local] of Object.entries(machine.ports))
    if (!network.has(machine.address, Number(port))) network.attach(machine.address, Number(port), { host: '127.0.0.1', port: local });
  for (const address of publicAddresses) machine.attach(address);
  const own = machine.attach.bind(machine);
  machine.attach = (address) => {
    own(address);
    if (!publicAddresses.includes(address)) publicAddresses.push(address);
    changed();
  };
  return machine;
}
