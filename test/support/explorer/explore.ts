import type { Actor, Deed, Part } from './actor.ts';
import { Plant, type Scenario } from './plant.ts';

/**
 * One order of things. A does `a` deeds, then B takes over; B does `b` deeds, or all, then A goes on; in the end whoever is left. One of them may die, at
 * once where it stands or, after A woke up, after so many more deeds; or the answer to A’s next deed is lost with its connection.
 */
export interface Schedule {
  /** All of them where nothing is told: nobody takes over. */
  a?: number;
  b?: number;
  dies?: 'A' | 'B' | { afterWaking: number };
  losesAnswer?: true;
}

interface Played {
  deedsOfA: Deed[];
  deedsOfB: Deed[];
  /** What A did after it woke up. */
  waking: Deed[];
}

export interface Explored {
  /** How many were played. */
  played: number;
  /** How many there are: the others come to the same as one that was played. */
  schedules: number;
  outcomes: Record<string, number>;
  failures: string[];
}

const again = ['Transient', 'NotReady'];
const stops = ['Refused', 'Unsafe'];
const mostAttempts = 12;
/** Counted sign-ins in a row that may be refused, by all attempts together. */
const mostRefused = 2;
/** So many tell what is wrong; the rest would only take time. */
const enoughFailures = 3;

async function run(plant: Plant, { a: deedsOfA, b: deedsOfB, dies, losesAnswer }: Schedule): Promise<Played> {
  const a = await plant.begin();
  await a.run(deedsOfA);
  if (losesAnswer) {
    a.loseNextAnswer();
    await a.run();
  }
  const told = (b?: Actor): Played => ({ deedsOfA: a.deeds, deedsOfB: b?.deeds ?? [], waking: a.deeds.slice(deedsOfA) });
  if (dies === 'A') a.dead = true;
  if (deedsOfA === undefined || dies === 'A' || losesAnswer) return told();
  const b = await plant.begin();
  await b.run(deedsOfB);
  if (b.ended?.kind === 'done') plant.goOn();
  if (dies === 'B') b.dead = true;
  await a.run(typeof dies === 'object' ? dies.afterWaking : undefined);
  if (typeof dies === 'object') a.dead = true;
  if (dies !== 'B') await b.run();
  return told(b);
}

/** Temporal begins another attempt where the present one died, or failed with something that passes. */
async function finish(plant: Plant): Promise<void> {
  while (plant.actors.length < mostAttempts) {
    const last = plant.actors.at(-1)!;
    if (!last.dead && !again.includes(last.ended!.kind)) return;
    await (await plant.begin()).run();
  }
}

function wrongWith(plant: Plant, { losesAnswer }: Schedule): string[] {
  const { most, wrong, mayStop } = plant.scenario;
  const last = plant.actors.at(-1)!.ended;
  const counted = Object.entries(most).flatMap(([operation, times]) => {
    const effects = plant.effects(operation);
    return effects > times ? [`${operation} took effect ${effects} times`] : [];
  });
  const isEnd = last !== undefined && (last.kind === 'done' || ((mayStop === 'always' || (mayStop && losesAnswer)) && stops.includes(last.kind)));
  return [
    ...plant.violations,
    ...counted,
    ...(plant.refusedInARow > mostRefused ? [`${plant.refusedInARow} counted sign-ins in a row were refused`] : []),
    ...(isEnd ? [] : [`it does not end: ${last?.kind} ${last?.said}`]),
    ...(last?.said.includes('This is a defect') ? [last.said] : []),
    ...(last?.kind === 'done' ? wrong(plant) : []),
  ];
}

const namesOf = (deeds: readonly Deed[]): string => deeds.map(({ name }) => name).join(', ');

const tell = (plant: Plant, schedule: Schedule): string =>
  [
    JSON.stringify(schedule),
    ...plant.actors.map((each) => `    ${each.name}: ${namesOf(each.deeds)} → ${each.dead ? 'died' : `${each.ended?.kind} ${each.ended?.said}`}`),
    ...plant.world.requestLog.entries.map((entry) => `    ${entry.seq} ${entry.connection} ${entry.operation} ${entry.outcome}`),
  ].join('\n');

/** Which stops of A are explored: all of them, or about one of so many. */
export interface Share {
  every: number;
}

/** What A did after it woke up, and after how many deeds of B. */
interface Waking {
  at: number;
  deeds: Deed[];
  touches: ReadonlySet<Part>;
  changed: ReadonlySet<Part>;
}

interface Before {
  waking: Waking;
  isNew: boolean;
  /** What A and B did before A woke up. */
  done: readonly (readonly Deed[])[];
}

const union = (sets: readonly ReadonlySet<Part>[]): Set<Part> => new Set(sets.flatMap((set) => [...set]));
const meet = (one: ReadonlySet<Part>, other: ReadonlySet<Part>): boolean => [...one].some((part) => other.has(part));
const isChange = ({ changed }: Deed): boolean => changed.size > 0;

/**
 * Every order of two attempts of a step with at most two switches and one crash. Many come to the same, and one of them is played for all. That rests on two
 * things that are found by comparing what the attempts share before and after each deed, and by what each deed may read:
 * - An attempt does the same wherever what it reads is the same, and its reads are nothing to others.
 * - Two deeds of two attempts that follow each other may change places, unless one of them changes what the other one reads or changes.
 * Where an order is left out, a comment says which one stands for it.
 */
class Exploration {
  readonly explored: Explored;
  readonly #scenario: Scenario;
  readonly #share: Share;
  /** What was left behind where the next attempt, and which, began: what follows was played for each. */
  readonly #left = new Set<string>();

  constructor(scenario: Scenario, share: Share) {
    this.#scenario = scenario;
    this.#share = share;
    this.explored = { played: 0, schedules: 0, outcomes: {}, failures: [] };
  }

  async all(): Promise<Explored> {
    const { deedsOfA } = await this.#play({}, { watched: true });
    for (let a = 0; a <= deedsOfA.length && !this.#isEnough; a++) if (scattered(a) % this.#share.every === 0) await this.#stoppedAt(a, deedsOfA);
    return this.explored;
  }

  get #isEnough(): boolean {
    return this.explored.failures.length >= enoughFailures;
  }

  /** A stops there; where it is at its end, nobody hears of it. */
  async #stoppedAt(a: number, deedsOfA: readonly Deed[]): Promise<void> {
    const isNew = this.#isFirstLeft('B', [deedsOfA.slice(0, a)]);
    await this.#play({ a, dies: 'A' }, { isToBePlayed: isNew });
    const next = deedsOfA[a];
    if (!next) return;
    if (next.hadAnswer) await this.#play({ a, losesAnswer: true });
    const { deedsOfB } = await this.#play({ a }, { watched: true });
    await this.#wakesAmid(a, deedsOfA.slice(0, a), deedsOfB);
  }

  /** A wakes up after each of B’s deeds but the last: that was played. */
  async #wakesAmid(a: number, before: readonly Deed[], deedsOfB: readonly Deed[]): Promise<void> {
    const known: Waking[] = [];
    for (let b = 0; b < deedsOfB.length && !this.#isEnough; b++) {
      const last = deedsOfB[b - 1];
      // A does what it did after fewer deeds of B where those in between changed nothing that it reads.
      let waking = known.find(({ at, touches }) => !deedsOfB.slice(at, b).some(({ changed }) => meet(changed, touches)));
      // Where A changes nothing, B goes on as if A had died. Where B’s last deed has nothing to do with what A changes, it may as well come after it.
      const isNew = waking === undefined || (last !== undefined && meet(last.touches, waking.changed));
      const played = await this.#play({ a, b }, { isToBePlayed: isNew, watched: true });
      if (isNew) {
        this.#mustBeSame(played.deedsOfB.slice(0, b), deedsOfB.slice(0, b));
        waking = wakingOf(b, played.waking);
        known.push(waking);
      }
      await this.#oneDies({ a, b }, { waking: waking!, isNew, done: [before, deedsOfB.slice(0, b)] });
    }
  }

  async #oneDies({ a, b }: { a: number; b: number }, { waking, isNew, done }: Before): Promise<void> {
    // Where A changes nothing any more, what both changed before is all that the next attempt finds. Where it does, B’s last deed must have changed something.
    const matters = waking.changed.size === 0 ? this.#isFirstLeft('C', done) : b === 0 || isChange(done[1]!.at(-1)!);
    await this.#play({ a, b, dies: 'B' }, { isToBePlayed: matters });
    for (let afterWaking = 1; afterWaking < waking.deeds.length; afterWaking++) {
      // Without a change before it, A had as well never woken up; without one after it, it had as well not died.
      const isBetweenChanges = isChange(waking.deeds[afterWaking - 1]!) && waking.deeds.slice(afterWaking).some(isChange);
      await this.#play({ a, b, dies: { afterWaking } }, { isToBePlayed: isNew && isBetweenChanges });
    }
  }

  /**
   * Did this attempt never begin before from what these deeds left behind? An attempt finds there all that it goes by. It is the same where the digests are, and
   * where the same changes made it, whatever random values are in it.
   */
  #isFirstLeft(next: 'B' | 'C', done: readonly (readonly Deed[])[]): boolean {
    const last = done.flat().at(-1)?.left;
    const changes = done.map((deeds) => deeds.findLastIndex(isChange)).join();
    const names = [`${next} after ${changes}`, ...(last ? [`${next} from ${last}`] : [])];
    const isFirst = !names.some((name) => this.#left.has(name));
    for (const name of names) this.#left.add(name);
    return isFirst;
  }

  /** The reasons for leaving orders out hold only where the same order goes the same way each time. */
  #mustBeSame(now: readonly Deed[], before: readonly Deed[]): void {
    if (namesOf(now) !== namesOf(before)) throw new Error(`The same order went two ways: ${namesOf(before)} and then ${namesOf(now)}`);
  }

  async #play(schedule: Schedule, { isToBePlayed = true, watched = false }: { isToBePlayed?: boolean; watched?: boolean } = {}): Promise<Played> {
    this.explored.schedules++;
    if (!isToBePlayed) return { deedsOfA: [], deedsOfB: [], waking: [] };
    this.explored.played++;
    const plant = new Plant(this.#scenario, watched);
    const played = await run(plant, schedule);
    await finish(plant);
    const wrong = wrongWith(plant, schedule);
    const outcome = plant.actors.at(-1)!.ended?.kind ?? 'none';
    this.explored.outcomes[outcome] = (this.explored.outcomes[outcome] ?? 0) + 1;
    if (wrong.length > 0) this.explored.failures.push(`${this.#scenario.step}: ${wrong.join('; ')}\n${tell(plant, schedule)}`);
    for (const each of plant.actors) each.over();
    return played;
  }
}

const wakingOf = (at: number, deeds: Deed[]): Waking => ({
  at,
  deeds,
  touches: union(deeds.map(({ touches }) => touches)),
  changed: union(deeds.map(({ changed }) => changed)),
});

/** The same numbers each time, in no order. */
function scattered(turn: number): number {
  let mixed = Math.imul(turn, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/** Plays every order of two attempts of a step, or a share of them. */
export const explore = (scenario: Scenario, share: Share = { every: 1 }): Promise<Explored> => new Exploration(scenario, share).all();

/** For people who read the tests' output. */
export const told = ({ schedules, played, outcomes }: Explored): string =>
  `      ${schedules} orders, ${played} of them played: ${Object.entries(outcomes)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ')}`;
