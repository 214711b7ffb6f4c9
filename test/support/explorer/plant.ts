import { createHash } from 'node:crypto';
import type { SendRequest } from '@azure/core-rest-pipeline';
import { createActivities } from '../../../activities/registry.ts';
import type { Systems } from '../../../activities/systems.ts';
import { transient } from '../../../domain/failure.ts';
import type { ActivityId } from '../../../domain/steps.ts';
import type { ApplianceState } from '../../../simulator/luna/state.ts';
import type { Entry as Arrival } from '../../../simulator/request-log.ts';
import type { World } from '../../../simulator/world.ts';
import type { Entry, Subject, Writer } from '../../../stores/record/events.ts';
import type { NumberedStore } from '../../../stores/record/numbered-store.ts';
import { createRecords } from '../../../stores/record/record.ts';
import type { Transcripts } from '../../../stores/reports/transcripts.ts';
import { purposes, type SecretStore, secretName } from '../../../stores/secrets/store.ts';
import type { Settings } from '../../../systems/settings.ts';
import { clocksOfWorker } from '../clocks.ts';
import { type EarlierEntry, enterEarlier } from '../earlier-entries.ts';
import { exampleRequest } from '../example.ts';
import { memoryNumberedStore } from '../numbered-store.ts';
import { azureWithMachines } from '../own-machines.ts';
import { type Actor, actor, type Part, type Seen } from './actor.ts';
import { begin } from './attempt.ts';
import { azureOf, memoryAzure, passTime, sendsTo } from './memory-azure.ts';
import { MemoryLuna } from './memory-luna.ts';
import { memoryCipherTrust } from './memory-manager.ts';
import { memoryWorld, type WorldState } from './memory-world.ts';

export const target = 'target';
export const addresses = { hsm: '172.22.1.4', windows: '172.22.0.4', manager: '172.22.0.5' };
export const request = exampleRequest();
const hosts = { hsm: { address: addresses.hsm, pin: 'SHA256:hsm' }, windows: { address: addresses.windows, pin: 'SHA256:windows' } };

/** Every password that a job keeps, in words that every system takes. */
export const secretOf = (purpose: (typeof purposes)[number]): string => `Key1-${purpose}`.slice(0, 30);

/** A step with the world that it finds, and what must hold whatever the order of two attempts. */
export interface Scenario {
  step: ActivityId;
  world: WorldState;
  /** What the step is given beside job and hosts. */
  input?: Record<string, unknown>;
  /** Secrets by their names, beside the job's own. */
  secrets?: Record<string, string>;
  /** Those of the job's own secrets that are kept by this step alone. */
  withoutSecrets?: (typeof purposes)[number][];
  /** An approval that the target record has from the beginning. */
  granted?: { approvalId: string; digest: string };
  /** What earlier steps entered in the record of CipherTrust Manager. */
  earlier?: readonly EarlierEntry<'ciphertrust'>[];
  /** The most that each of these operations may take effect, by all attempts together. */
  most: Record<string, number>;
  /** The entries of the target record that must be there before an operation arrives: of those that say that something is begun, one for each time. */
  entries?: Record<string, string | string[]>;
  /** May it end with a stop for a person, where nothing but other attempts came in its way, or only where an answer was lost? */
  mayStop?: 'always' | 'after a lost answer';
  /** What later steps do once the attempt that took over is done, while the replaced one still sleeps. */
  later?(plant: Plant): void;
  /** What is wrong at the end, where the step says that it is done. */
  wrong(plant: Plant): string[];
}

const settings = { commandMs: 0, pollIntervalMs: 0, lunaVia: 'client', lunaOldAlgorithms: false, workerSources: [], azure: {} } as unknown as Settings;

/** Everything that the attempts of one schedule share: the simulated world, the stores, and what went wrong. */
export class Plant {
  readonly scenario: Scenario;
  readonly world: World;
  readonly violations: string[] = [];
  readonly actors: Actor[] = [];
  readonly recorded = new Map<string, string>();
  readonly secrets: Map<string, string>;
  readonly #azure: SendRequest | undefined;
  readonly #isWatched: boolean;
  readonly #before = new Map<Part, string>();
  #detail: unknown;

  /** Watched, it tells after each deed what is different; that takes time. */
  constructor(scenario: Scenario, isWatched = true) {
    this.scenario = scenario;
    this.#isWatched = isWatched;
    this.world = memoryWorld(structuredClone(scenario.world), (entry) => this.#arrived(entry));
    const own = purposes
      .filter((purpose) => !scenario.withoutSecrets?.includes(purpose))
      .map((purpose) => [secretName(target, purpose), secretOf(purpose)] as const);
    this.secrets = new Map([...own, ...Object.entries(scenario.secrets ?? {})]);
    if (scenario.granted) this.recorded.set(`${target}/approvals/000001`, JSON.stringify(grantEntry(scenario.granted)));
    // As the job's own step enters it: later ones sign in with a password that is known to be good.
    if (scenario.step !== 'appliance-password') enterEarlier(this.recorded, target, 'hsm', [['appliance-sign-in', { password: 'kept', outcome: 'accepted' }]]);
    enterEarlier(this.recorded, target, 'ciphertrust', scenario.earlier ?? []);
    this.#azure = scenario.world.azure && azureOf(this.world, (what) => this.violated(what));
    this.#seen();
  }

  /** What is different from when this was asked last. Nobody is believed to have changed nothing: all of it is compared. */
  #seen(): Seen {
    const changed = new Set<Part>();
    if (!this.#isWatched) return { changed, left: '' };
    const digest = createHash('sha1');
    for (const [part, now] of this.#parts()) {
      if (this.#before.get(part) !== now) changed.add(part);
      this.#before.set(part, now);
      digest.update(`${part} ${now.replaceAll(randomName, '…')}\n`);
    }
    return { changed, left: digest.digest('hex') };
  }

  *#parts(): Iterable<[Part, string]> {
    yield ['systems', JSON.stringify(this.world.state)];
    // What took effect twice may look as if it had once.
    const counts = Object.keys(this.scenario.most).map((operation) => this.effects(operation));
    yield ['effects', `${counts} ${this.#rows().map((rows) => `${Math.max(...rows)} ${rows.at(-1)}`)}`];
    // What nobody goes by differs each time: an entry's own id, when it was made, and by which attempt.
    const entries = Map.groupBy(this.recorded, ([name]) => subjectOf(name));
    for (const [subject, named] of entries) yield [subject, JSON.stringify(named.map(([, value]) => whatItTells(value)))];
    yield ['secrets', JSON.stringify([...this.secrets])];
  }

  /** What a worker has for itself. Each attempt has its own: two of them share nothing but systems and stores. */
  #worker(): ReturnType<typeof createActivities> {
    const violated = (what: string) => this.violated(what);
    const { world } = this;
    const secrets = secretsAtGates(this.secrets);
    const records = createRecords(recordAtGates(memoryNumberedStore(this.recorded)));
    const luna = new MemoryLuna({ world, settings, secrets, transcripts, violated, records });
    const cipherTrust = memoryCipherTrust({ world, violated });
    const azure = this.#azure ? memoryAzure : azureWithMachines();
    return createActivities({ settings, secrets, transcripts, luna, cipherTrust, records, azure, clocks: clocksOfWorker() } as unknown as Systems);
  }

  get hsm(): ApplianceState {
    return this.world.appliances.get(addresses.hsm)!.state;
  }

  violated(what: string): void {
    this.violations.push(what);
  }

  /** Begins the next attempt: the ones before it get no permit any more. */
  async begin(): Promise<Actor> {
    await passTime(this.world);
    this.#seen();
    const number = this.actors.length + 1;
    for (const before of this.actors) before.replaced = true;
    const { step, input } = this.scenario;
    const name = 'ABCDEF'[number - 1]!;
    const activity = this.#worker()[step] as (input: unknown) => Promise<unknown>;
    const given = { target, runId: 'run-1', request, ...hosts, ...input };
    const detail = this.#detail;
    this.#detail = undefined;
    const remember = (next: unknown) => {
      this.#detail = next;
    };
    const begun = begin({ name, number, step, detail, seen: () => this.#seen(), remember }, () => activity(given));
    if (this.#azure) sendsTo(begun, this.#azure);
    this.actors.push(begun);
    return begun;
  }

  /** What later steps do comes about. */
  goOn(): void {
    this.scenario.later?.(this);
    this.#seen();
  }

  /** How many sign-ins that count were refused in a row at one place, none accepted in between: of all rows the longest. */
  get refusedInARow(): number {
    return Math.max(0, ...this.#rows().flat());
  }

  /** The lengths of such rows, by place; the last one of each may go on. */
  #rows(): number[][] {
    const places = Map.groupBy(
      this.world.requestLog.entries.filter(({ counted }) => counted),
      ({ operation }) => operation,
    );
    return [...places.values()].map((entries) => {
      const outcomes = entries.map(({ outcome }) => (outcome === 'refused' ? 'x' : ' ')).join('');
      return outcomes.split(' ').map((row) => row.length);
    });
  }

  /** How many entries of this event has the target record? */
  entered(event: string): number {
    return [...this.recorded.values()].filter((value) => (JSON.parse(value) as { event: string }).event === event).length;
  }

  #arrivals(operation: string): number {
    return this.world.requestLog.entries.filter((entry) => entry.operation === operation).length;
  }

  /** How often an operation took effect. */
  effects(operation: string): number {
    return this.world.requestLog.entries.filter((entry) => entry.operation === operation && entry.outcome === 'done').length;
  }

  #arrived(entry: Arrival): void {
    const { entries = {} } = this.scenario;
    for (const wanted of [entries[entry.operation] ?? []].flat())
      if (this.entered(wanted) < (wanted.endsWith('-begun') ? this.#arrivals(entry.operation) : 1))
        this.violated(`${entry.operation} arrived before the entry ${wanted}`);
  }
}

const grantEntry = (granted: NonNullable<Scenario['granted']>): Entry<'approvals'> => ({
  ...{ n: 1, id: '0'.repeat(32), at: new Date(0).toISOString(), jobId: target, runId: 'run-1', execution: 'grant', attempt: 1, retry: 1 },
  event: 'approval-granted',
  data: { ...granted, actor: 'anna' },
});

/** Nobody goes by what a script on the Windows host is called. */
const randomName = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\.lunacm)/g;

const whatItTells = (value: string): unknown => {
  const { event, data, runId, execution, retry } = JSON.parse(value) as Entry<Subject> & Writer;
  return [event, data, runId, execution, retry];
};

const subjectOf = (name: string): Part => `record ${name.slice(0, name.lastIndexOf('/') + 1)}`;

/** What is kept never changes: only keeping something, and finding nothing, is a deed. */
const secretsAtGates = (values: Map<string, string>): SecretStore => ({
  async get(name) {
    if (!values.has(name)) await actor().gate('look', name, 'secrets');
    return values.get(name);
  },
  async create(name, value) {
    await actor().gate('keep', name, 'secrets');
    if (!values.has(name)) values.set(name, value);
    return values.get(name)!;
  },
});

/** Transcripts are evidence, never read back: keeping one is no deed. */
const transcripts: Transcripts = { append: async () => {}, list: async () => [] };

/** Entries never change: reading one is no deed, finding out which there are, and adding one, is. */
const recordAtGates = (store: NumberedStore): NumberedStore => ({
  async create(name, value) {
    await actor().gate('record', name, subjectOf(name));
    const stored = await store.create(name, value);
    if (actor().answerIsLost())
      throw transient({
        code: 'STORE_UNREACHABLE',
        tried: `entering ${name}`,
        summary: 'the connection broke off',
        remedy: 'Nothing: it looks again by itself.',
      });
    return stored;
  },
  async list(prefix) {
    await actor().gate('look', prefix, `record ${prefix}`);
    return store.list(prefix);
  },
  get: (name) => store.get(name),
});
