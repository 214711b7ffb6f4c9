import assert from 'node:assert/strict';
import { step, stepIds } from '../../../domain/steps.ts';
import { scenarios } from '../../support/explorer/scenarios.ts';
import { explorerSuite } from '../../support/explorer/suite.ts';

// Some of the orders of every step; `npm run test:explorer` plays all of them.
explorerSuite('some of all orders', scenarios, { every: 10 });

describe('The steps whose attempts are explored', () => {
  it('are all that erase or disclose something', () => {
    const explored: string[] = scenarios.map((scenario) => scenario.step);
    const missing = stepIds.filter((id) => (step(id).erases ?? step(id).discloses) && !explored.includes(id));
    assert.deepEqual(missing, []);
  });
});
