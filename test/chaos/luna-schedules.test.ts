import assert from 'node:assert/strict';
import { LunaBench } from '../support/luna/luna-bench.ts';
import { hitsTable, playSeeds, seedsOf } from '../support/luna/seeds.ts';

describe('The Luna steps under random schedules of kills, cuts, delays and somebody else at the HSM', function () {
  this.timeout(600_000);
  let bench: LunaBench;
  before(async () => {
    bench = await LunaBench.start();
  });
  after(() => bench?.stop());

  it('never destroy what nobody approved and never lose a password, and the request completes in the end', async () => {
    // Few that meet with every kind of mishap, and with five kinds of interference.
    const played = await playSeeds(bench, seedsOf(114, 117));
    console.log(hitsTable(played));
    assert.equal(played.failures.length, 0, `\n${played.failures.join('\n\n')}`);
  });
});
