import assert from 'node:assert/strict';
import { LunaBench } from '../../support/luna/luna-bench.ts';
import { LunaRun } from '../../support/luna/luna-run.ts';
import { type Beat, calm, type Event, type Schedule } from '../../support/luna/schedule.ts';
import { playAll } from '../../support/luna/seeds.ts';
import { type LunaStep, lunaSteps } from '../../support/luna/step-hosts.ts';

type Place = Required<Beat>;

/** What only looks, or moves files about that the next attempt puts in order. */
const looks = /show|list|fingerprint|status|sftp|exec|scp:get/;
/** Its clock is off, so that setting it is among the changes. */
const usual: Schedule = { ...calm, clock: { skewMinutes: 120, zone: 'EDT' } };

/**
 * Where the steps of a clean job can be interrupted, by step. At each request while it is received and unanswered; around each change also before it is sent,
 * and answered before the step goes on. A request that a step repeats counts once, but each change counts.
 */
function interruptionsOf(beats: readonly Place[]): Map<LunaStep, Event[]> {
  const found = new Map<LunaStep, Event[]>();
  const seen = new Set<string>();
  beats.forEach((struck, at) => {
    const { moment, operation, step } = struck;
    const isLook = looks.test(operation);
    if (moment !== 'struck' || ((isLook || operation === 'lunash:hsm login') && seen.has(`${step} ${operation}`))) return;
    seen.add(`${step} ${operation}`);
    const ofStep = (place: Place | undefined) => (place?.moment === 'arrived' && place.step === step ? place : undefined);
    const arrival = beats.findLastIndex((beat, index) => index < at && beat.moment === 'arrived' && beat.operation === operation);
    const before = beats.findLast((beat, index) => index < arrival && beat.moment === 'arrived');
    const after = beats.find((beat, index) => index > at && beat.moment === 'arrived');
    for (const beat of isLook ? [struck] : [ofStep(before), struck, ofStep(after)])
      for (const kind of ['kill', 'cut'] as const) if (beat) found.set(step, [...(found.get(step) ?? []), { beat, kind }]);
  });
  return found;
}

/** One job for many interruptions: one in each step, until none is left of any. */
function schedulesOf(interruptions: Map<LunaStep, Event[]>): Schedule[] {
  const jobs = Math.max(...[...interruptions.values()].map(({ length }) => length));
  return Array.from({ length: jobs }, (_, at) => ({ ...usual, events: [...interruptions.values()].flatMap((ofStep) => ofStep[at] ?? []) }));
}

describe('Every request that a Luna step makes', function () {
  this.timeout(600_000);
  let bench: LunaBench;
  before(async () => {
    bench = await LunaBench.start();
  });
  after(() => bench?.stop());

  it('may be interrupted by a killed process or a cut connection, each change before it is sent, unanswered, or answered: it takes effect once, and the job completes', async () => {
    const clean = await LunaRun.open(bench, usual);
    await clean.play();
    await clean.close();
    const interruptions = interruptionsOf(clean.beats);
    const schedules = schedulesOf(interruptions);
    const played = await playAll(bench, schedules, ({ world, hits, schedule }) => {
      const { inits, policyChanges, partitionsCreated, zeroizations, soRefused } = world.appliance.state.counts;
      const counted = { inits, policyChanges, partitionsCreated, zeroizations, soRefused, interruptions: hits.length };
      const once = { inits: 1, policyChanges: 1, partitionsCreated: 1, zeroizations: 0, soRefused: 0, interruptions: schedule.events.length };
      return JSON.stringify(counted) === JSON.stringify(once) ? [] : [`counted ${JSON.stringify(counted)}, not ${JSON.stringify(once)}`];
    });
    const all = [...interruptions.values()].flat();
    console.log(`      ${all.length} interruptions in ${schedules.length} jobs, ${played.incidents} incidents`);
    for (const [step, events] of interruptions) {
      const operations = new Set(events.map(({ beat }) => (beat as Place).operation.replace(/^[a-z]+:/, '')));
      console.log(`        ${`${events.length}`.padStart(4)}  ${step.padEnd(22)}${[...operations].join(', ')}`);
    }
    assert.deepEqual(
      [...interruptions.keys()],
      lunaSteps.filter((step) => step !== 'keep-secrets'),
    );
    assert.equal(played.failures.length, 0, `\n${played.failures.join('\n\n')}`);
  });
});
