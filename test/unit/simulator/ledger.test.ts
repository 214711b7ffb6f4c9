import assert from 'node:assert/strict';
import { Ledger, settle } from '../../../simulator/ledger.ts';

const arrival = { system: 'lunash', connection: '1', operation: 'lunash:hsm init', target: '172.22.1.4' };

describe('The ledger of the simulated world', () => {
  it('records an arrival at once, and how it ended when that is known', () => {
    const ledger = new Ledger();
    const entry = ledger.arrive(arrival);
    assert.deepEqual([ledger.entries[0]?.seq, ledger.entries[0]?.outcome], [1, 'received']);
    settle(entry, 'refused', 'not signed in');
    assert.deepEqual([ledger.entries[0]?.outcome, ledger.entries[0]?.detail], ['refused', 'not signed in']);
  });

  it('says of each arrival what its operation erases, counts and discloses', () => {
    const { destructive, counted, disclosing } = new Ledger().arrive({ ...arrival, operation: 'lunash:hsm init' });
    assert.deepEqual({ destructive, counted, disclosing }, { destructive: true, counted: false, disclosing: false });
  });

  it('goes on with the numbers that it was kept with, and after it was cleared', () => {
    const kept = new Ledger();
    kept.arrive(arrival);
    kept.arrive(arrival);
    const ledger = new Ledger(JSON.parse(JSON.stringify(kept.entries)));
    assert.equal(ledger.arrive(arrival).seq, 3);
    ledger.clear();
    assert.deepEqual(ledger.entries, []);
    assert.equal(ledger.arrive(arrival).seq, 4);
  });
});
