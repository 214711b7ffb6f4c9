import assert from 'node:assert/strict';
import { LunaBench } from '../../support/luna/luna-bench.ts';
import { hitsTable, playSeeds, seedsOf } from '../../support/luna/seeds.ts';

/** Of each kind, so that what never happens is no proof of nothing. */
const fewestHits = 5;

describe('Hundreds of random schedules of kills, cuts, delays and somebody else at the HSM', function () {
  this.timeout(900_000);
  let bench: LunaBench;
  before(async () => {
    bench = await LunaBench.start();
  });
  after(() => bench?.stop());

  it('never lead to an unapproved destruction or to a lost password; the request completes in the end', async () => {
    const seeds = seedsOf(1001, 1304);
    const played = await playSeeds(bench, seeds);
    console.log(hitsTable(played));
    assert.equal(played.failures.length, 0, `\n${played.failures.join('\n\n')}`);
    if (seeds.length >= 300) for (const [kind, hits] of Object.entries(played.hits)) assert.ok(hits >= fewestHits, `${kind} was met only ${hits} times`);
  });
});
