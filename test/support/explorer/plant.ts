import { createActivities } from '../../../activities/registry.ts';
import type { Systems } from '../../../activities/systems.ts';
import type { ActivityId } from '../../../domain/steps.ts';
import type { Entry } from '../../../simulator/ledger.ts';
import type { ApplianceState } from '../../../simulator/luna/state.ts';
import type { World } from '../../../simulator/world.ts';
import type { NumberedStore } from '../../../stores/record/numbered-store.ts';
import { createRecords } from '../../../stores/record/record.ts';
import type { Transcripts } from '../../../stores/reports/transcripts.ts';
import { purposes, type SecretStore, secretName } from '../../../stores/secrets/store.ts';
import type { Settings } from '../../../systems/settings.ts';
import { clocksOfWorker } from '../clocks.ts';
import { exampleRequest } from '../example.ts';
import { memoryNumberedStore } from '../numbered-store.ts';
import { type Actor, actor } from './actor.ts';
import { begin } from './attempt.ts';
import { MemoryLuna } from './memory-luna.ts';
import { memoryCipherTrust } from './memory-manager.ts';
import { memoryWorld, type WorldState } from './memory-world.ts';

export const target = 'target';
export const addresses = { hsm: '172.22.1.4', windows: '172.22.0.4', manager: '172.22.0.5' };
export const request = exampleRequest();
const hosts = { hsm: { address: addresses.hsm, pin: 'SHA256:hsm' }, windows: { address: addresses.windows, pin: 'SHA256:windows' } };

/** Every password that a job keeps, in words that every system takes. */
export const secretOf = (purpose: (typeof purposes)[number]): string => `Secret-${purpose}-1`;

/** A step with the world that it finds, and what must hold whatever the order of two attempts. */
export interface Scenario {
  step: ActivityId;
  world: WorldState;
  /** What the step is given beside job and hosts. */
  input?: Record<string, unknown>;
  /** Secrets by their names, beside the job's own. */
  secrets?: Record<string, string>;
  /** The most that each of these operations may take effect, by all attempts together. */
  most: Record<string, number>;
  /** The entry of the target record that must be there before an operation arrives. */
  entries?: Record<string, string>;
  /** Why the target record is not asked for here; shown with the counts. */
  unrecorded?: string;
  /** May it end with a stop for a person, where nothing but other attempts came in its way? */
  mayStop?: true;
  /** What later steps do once the attempt that took over is done, while the replaced one still sleeps. */
  later?(plant: Plant): void;
  /** What is wrong at the end, where the step says that it is done. */
  wrong(plant: Plant): string[];
}

/** Everything that the attempts of one schedule share: the simulated world, the stores, and what went wrong. */
export class Plant {
  readonly scenario: Scenario;
  readonly world: World;
  readonly violations: string[] = [];
  readonly actors: Actor[] = [];
  readonly recorded = new Map<string, string>();
  readonly #activities: ReturnType<typeof createActivities>;
  #detail: unknown;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.world = memoryWorld(structuredClone(scenario.world), (entry) => this.#arrived(entry));
    const settings = { commandMs: 0, pollIntervalMs: 0, lunaVia: 'client', lunaOldAlgorithms: false, workerSources: [], azure: {} } as unknown as Settings;
    const secrets = memorySecrets(scenario.secrets);
    const transcripts = memoryTranscripts();
    const luna = new MemoryLuna({ world: this.world, settings, secrets, transcripts, violated: (what) => this.violated(what) });
    const cipherTrust = memoryCipherTrust({ world: this.world, violated: (what) => this.violated(what) });
    const records = createRecords(atGates(memoryNumberedStore(this.recorded)));
    this.#activities = createActivities({ settings, secrets, transcripts, luna, cipherTrust, records, clocks: clocksOfWorker() } as unknown as Systems);
  }

  get hsm(): ApplianceState {
    return this.world.appliances.get(addresses.hsm)!.state;
  }

  violated(what: string): void {
    this.violations.push(what);
  }

  /** Begins the next attempt: the ones before it get no permit any more. */
  begin(): Actor {
    const number = this.actors.length + 1;
    for (const before of this.actors) before.replaced = true;
    const { step, input } = this.scenario;
    const name = 'ABCDEF'[number - 1]!;
    const activity = this.#activities[step] as (input: unknown) => Promise<unknown>;
    const given = { target, runId: 'run-1', request, ...hosts, ...input };
    const detail = this.#detail;
    this.#detail = undefined;
    const begun = begin(
      { name, number, step, detail },
      () => activity(given),
      (next) => {
        this.#detail = next;
      },
    );
    this.actors.push(begun);
    return begun;
  }

  /** How often an operation took effect. */
  effects(operation: string): number {
    return this.world.ledger.entries.filter((entry) => entry.operation === operation && entry.outcome === 'done').length;
  }

  #arrived(entry: Entry): void {
    const { entries = {}, unrecorded } = this.scenario;
    const wanted = entries[entry.operation];
    if (!wanted || unrecorded) return;
    const isThere = [...this.recorded.values()].some((value) => (JSON.parse(value) as { event: string }).event === wanted);
    if (!isThere) this.violated(`${entry.operation} arrived before the entry ${wanted}`);
  }
}

/** What is kept never changes: only keeping something is a deed. */
function memorySecrets(others: Record<string, string> = {}): SecretStore {
  const values = new Map([...purposes.map((purpose) => [secretName(target, purpose), secretOf(purpose)] as const), ...Object.entries(others)]);
  return {
    get: async (name) => values.get(name),
    async create(name, value) {
      await actor().gate('keep', name);
      if (!values.has(name)) values.set(name, value);
      return values.get(name)!;
    },
  };
}

function memoryTranscripts(): Transcripts {
  const texts = new Map<string, string>();
  return {
    async append(_target, _runId, step, masked) {
      await actor().gate('record', `log ${step}`);
      texts.set(step, `${texts.get(step) ?? ''}${masked}${masked.endsWith('\n') ? '' : '\n'}`);
    },
    async list() {
      await actor().gate('look', 'log');
      return [...texts].map(([step, text]) => ({ step, text, sha256: '' }));
    },
  };
}

/** Entries never change: reading one is no deed, finding out which there are, and adding one, is. */
const atGates = (store: NumberedStore): NumberedStore => ({
  async create(name, value) {
    await actor().gate('record', name);
    return store.create(name, value);
  },
  async list(prefix) {
    await actor().gate('look', prefix);
    return store.list(prefix);
  },
  get: (name) => store.get(name),
});
