import assert from 'node:assert/strict';
import { explore, type Share, told } from './explore.ts';
import type { Scenario } from './plant.ts';
import { pooledKeys } from './pooled-keys.ts';

/** A test for each step: whatever the order of its two attempts, nothing is repeated, disclosed or unrecorded. */
export function explorerSuite(what: string, scenarios: readonly Scenario[], share?: Share): void {
  describe(`Two attempts in any order: ${what}`, () => {
    let keys: ReturnType<typeof pooledKeys>;
    before(() => {
      keys = pooledKeys();
    });
    after(() => keys.restore());

    for (const scenario of scenarios)
      it(`${scenario.step} repeats, discloses and forgets nothing`, async function () {
        // Seconds on an idle machine.
        this.timeout(600_000);
        const explored = await explore(scenario, share);
        console.log(told(explored));
        // Orders that all stop explore nothing of what the step is for.
        assert.ok((explored.outcomes['done'] ?? 0) > 0, 'no order ended with the step done');
        assert.ok(explored.failures.length === 0, `schedules went wrong:\n${explored.failures.join('\n')}`);
      });
  });
}
