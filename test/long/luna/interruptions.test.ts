import assert from 'node:assert/strict';
import { LunaBench } from '../../support/luna/luna-bench.ts';
import { LunaRun } from '../../support/luna/luna-run.ts';
import { type Beat, calm, type Mishap, type Schedule } from '../../support/luna/schedule.ts';
import { playAll } from '../../support/luna/seeds.ts';
import type { LunaStep } from '../../support/luna/step-hosts.ts';

type Moment = 'before it is sent' | 'received, unanswered' | 'answered, before completion';
type Place = Beat & { step: LunaStep };
interface Cell {
  step: LunaStep;
  operation: string;
  moment: Moment;
  mishap: Mishap;
  schedule: Schedule;
}

/** What only looks. */
const looks = /show|list|fingerprint|status|(ssh|windows):sign-in|scp:get|sftp|exec|socks/;
/** Its clock is off, so that setting it is among the changes. */
const usual: Schedule = { ...calm, clock: { skewMinutes: 120, zone: 'EDT' } };

/** Where each change of a clean job can be interrupted. A sign-in as SO counts once a step. */
function cellsOf(beats: readonly Place[]): Cell[] {
  const cells: Cell[] = [];
  const seen = new Set<string>();
  beats.forEach(({ moment, operation, step }, at) => {
    if (moment !== 'struck' || looks.test(operation) || (operation === 'lunash:hsm login' && seen.has(`${step} ${operation}`))) return;
    seen.add(`${step} ${operation}`);
    const arrival = beats.findLastIndex((beat, index) => index < at && beat.moment === 'arrived' && beat.operation === operation);
    const places: [Moment, Place | undefined][] = [
      ['before it is sent', beats.findLast((beat, index) => index < arrival && beat.moment === 'arrived')],
      ['received, unanswered', beats[at]],
      ['answered, before completion', beats.find((beat, index) => index > at && beat.moment === 'arrived')],
    ];
    for (const [when, beat] of places)
      for (const mishap of ['kill', 'cut'] as const)
        if (beat) cells.push({ step, operation, moment: when, mishap, schedule: { ...usual, events: [{ beat, kind: mishap }] } });
  });
  return cells;
}

describe('Every change that a Luna step makes', function () {
  this.timeout(600_000);
  let bench: LunaBench;
  before(async () => {
    bench = await LunaBench.start();
  });
  after(() => bench?.stop());

  it('may be interrupted before it is sent, unanswered, or answered, by a killed process or a cut connection: it takes effect once, and the job completes', async () => {
    const clean = await LunaRun.open(bench, usual);
    await clean.play();
    await clean.close();
    const cells = cellsOf(clean.beats);
    const played = await playAll(
      bench,
      cells.map(({ schedule }) => schedule),
      (run) => {
        const { inits, policyChanges, partitionsCreated, zeroizations, soRefused } = run.world.appliance.state.counts;
        const counted = { inits, policyChanges, partitionsCreated, zeroizations, soRefused, mishaps: run.hits.length };
        const once = { inits: 1, policyChanges: 1, partitionsCreated: 1, zeroizations: 0, soRefused: 0, mishaps: 1 };
        return JSON.stringify(counted) === JSON.stringify(once) ? [] : [`counted ${JSON.stringify(counted)}`];
      },
    );
    const steps = new Map<string, Set<string>>();
    for (const { step, operation } of cells) steps.set(step, (steps.get(step) ?? new Set()).add(operation.replace(/^[a-z]+:/, '')));
    console.log(`      ${cells.length} interruptions, ${played.incidents} incidents`);
    for (const [step, changes] of steps) console.log(`        ${step.padEnd(22)}${[...changes].join(', ')}`);
    assert.deepEqual(
      [...steps.keys()],
      [
        'appliance-password',
        'initialize-hsm',
        'fips-mode',
        'create-partition',
        'prepare-ntls',
        'connect-client',
        'initialize-partition',
        'crypto-officer',
        'client-certificate',
        'register-client',
      ],
    );
    assert.equal(played.failures.length, 0, `\n${played.failures.join('\n\n')}`);
  });
});
