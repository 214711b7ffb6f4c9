import { Plant, type Scenario } from './plant.ts';

/**
 * One order of things. A does `a` deeds, then B takes over; B does `b` deeds, or all, then A goes on; in the end whoever is left. One of them may die, at
 * once where it stands or, after A woke up, after so many more deeds; or the answer to A’s next deed is lost with its connection.
 */
export interface Schedule {
  a: number;
  b?: number;
  dies?: 'A' | 'B' | { afterWaking: number };
  losesAnswer?: true;
}

interface Played {
  schedule: Schedule;
  wrong: string[];
  /** How the attempt that counted ended. */
  outcome: string;
  /** Was there anything to stop at: did each attempt get as far as the schedule says? */
  wasReached: boolean;
  /** How many deeds A did after it woke up. */
  deedsAfterWaking: number;
  told: string;
}

export interface Explored {
  schedules: number;
  outcomes: Record<string, number>;
  failures: string[];
  unrecorded?: string;
}

const again = ['Transient', 'NotReady'];
const stops = ['Refused', 'Unsafe'];
const mostAttempts = 6;
/** So many tell what is wrong; the rest would only take time. */
const enoughFailures = 3;

async function play(scenario: Scenario, schedule: Schedule): Promise<Played> {
  const plant = new Plant(scenario);
  const { a: deedsOfA, b: deedsOfB, dies, losesAnswer } = schedule;
  const a = plant.begin();
  let wasReached = await a.run(deedsOfA);
  let deedsAfterWaking = 0;
  if (wasReached && losesAnswer) {
    a.losesAnswer = true;
    await a.run();
  } else if (wasReached && dies === 'A') {
    a.dead = true;
    await plant.begin().run();
  } else if (wasReached) {
    const b = plant.begin();
    const isAtWork = await b.run(deedsOfB);
    wasReached = deedsOfB === undefined || isAtWork;
    if (!isAtWork && b.ended?.kind === 'done') scenario.later?.(plant);
    if (dies === 'B') b.dead = true;
    const before = a.deeds.length;
    const isAwake = await a.run(typeof dies === 'object' ? dies.afterWaking : undefined);
    deedsAfterWaking = a.deeds.length - before;
    if (typeof dies === 'object') {
      wasReached &&= isAwake;
      a.dead = true;
    }
    if (dies !== 'B') await b.run();
  }
  await finish(plant);
  const last = plant.actors.at(-1)!.ended;
  return {
    schedule,
    wrong: wrongWith(plant),
    outcome: last?.kind ?? 'none',
    wasReached,
    deedsAfterWaking,
    told: tell(plant, schedule),
  };
}

/** Temporal begins another attempt where the present one died, or failed with something that passes. */
async function finish(plant: Plant): Promise<void> {
  while (plant.actors.length < mostAttempts) {
    const last = plant.actors.at(-1)!;
    if (!last.dead && last.ended === undefined) await last.run();
    if (!last.dead && !again.includes(last.ended!.kind)) return;
    await plant.begin().run();
  }
}

function wrongWith(plant: Plant): string[] {
  const { most, wrong, mayStop } = plant.scenario;
  const last = plant.actors.at(-1)!.ended;
  const counted = Object.entries(most).flatMap(([operation, times]) => {
    const effects = plant.effects(operation);
    return effects > times ? [`${operation} took effect ${effects} times`] : [];
  });
  const refused = plant.world.ledger.entries.filter(({ counted, outcome }) => counted && outcome === 'refused').length;
  const isEnd = last !== undefined && (last.kind === 'done' || (mayStop && stops.includes(last.kind)));
  return [
    ...plant.violations,
    ...counted,
    ...(refused > 2 ? [`${refused} counted sign-ins were refused`] : []),
    ...(isEnd ? [] : [`it does not end: ${last?.kind} ${last?.said}`]),
    ...(last?.said.includes('This is a defect') ? [last.said] : []),
    ...(last?.kind === 'done' ? wrong(plant) : []),
  ];
}

const tell = (plant: Plant, schedule: Schedule): string =>
  [
    JSON.stringify(schedule),
    ...plant.actors.map((each) => `    ${each.name}: ${each.deeds.join(', ')} → ${each.dead ? 'died' : `${each.ended?.kind} ${each.ended?.said}`}`),
    ...plant.world.ledger.entries.map((entry) => `    ${entry.seq} ${entry.connection} ${entry.operation} ${entry.outcome}`),
  ].join('\n');

/** Which schedules are played: all of them, or about one of so many. */
export interface Share {
  every: number;
}

/** Plays every order of two attempts of a step with at most two switches and one crash, or a share of them. */
export async function explore(scenario: Scenario, { every }: Share = { every: 1 }): Promise<Explored> {
  const explored: Explored = { schedules: 0, outcomes: {}, failures: [], ...(scenario.unrecorded ? { unrecorded: scenario.unrecorded } : {}) };
  let turn = 0;
  const one = async (schedule: Schedule): Promise<Played> => {
    const played = await play(scenario, schedule);
    if (!played.wasReached) return played;
    explored.schedules++;
    explored.outcomes[played.outcome] = (explored.outcomes[played.outcome] ?? 0) + 1;
    if (played.wrong.length > 0) explored.failures.push(`${scenario.step}: ${played.wrong.join('; ')}\n${played.told}`);
    return played;
  };
  const isChosen = () => scattered(turn++) % every === 0;
  const isEnough = () => explored.failures.length >= enoughFailures;

  const alone = await aloneWith(scenario, explored);
  for (let a = 0; a < alone && !isEnough(); a++) {
    if (isChosen()) await one({ a, dies: 'A' });
    if (isChosen()) await one({ a, losesAnswer: true });
    if (isChosen()) await one({ a });
    for (let b = 0; !isEnough(); b++) {
      if (!isChosen()) {
        if (b > alone) break;
        continue;
      }
      const both = await one({ a, b });
      if (!both.wasReached) break;
      await one({ a, b, dies: 'B' });
      for (let afterWaking = 1; afterWaking < both.deedsAfterWaking; afterWaking++) await one({ a, b, dies: { afterWaking } });
    }
  }
  return explored;
}

/** The same numbers each time, in no order: each so many-th would fall on the same deed again and again. */
function scattered(turn: number): number {
  let mixed = Math.imul(turn, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/** Undisturbed, the step must be done; gives how many deeds that takes. */
async function aloneWith(scenario: Scenario, explored: Explored): Promise<number> {
  const plant = new Plant(scenario);
  const only = plant.begin();
  await only.run();
  explored.schedules++;
  if (only.ended?.kind !== 'done' || wrongWith(plant).length > 0)
    explored.failures.push(`${scenario.step}, undisturbed: ${wrongWith(plant).join('; ')}\n${tell(plant, { a: 0 })}`);
  return only.deeds.length;
}

/** For people who read the tests' output. */
export const told = ({ schedules, outcomes, unrecorded }: Explored): string =>
  `      ${schedules} schedules: ${Object.entries(outcomes)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ')}${unrecorded ? `; the target record is not checked: ${unrecorded}` : ''}`;
