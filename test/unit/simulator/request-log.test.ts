import assert from 'node:assert/strict';
import { RequestLog, settle } from '../../../simulator/request-log.ts';

const arrival = { system: 'lunash', connection: '1', operation: 'lunash:hsm init', target: '172.22.1.4' };

describe('The requestLog of the simulated world', () => {
  it('records an arrival at once, and how it ended when that is known', () => {
    const requestLog = new RequestLog();
    const entry = requestLog.arrive(arrival);
    assert.deepEqual([requestLog.entries[0]?.seq, requestLog.entries[0]?.outcome], [1, 'received']);
    settle(entry, 'refused', 'not signed in');
    assert.deepEqual([requestLog.entries[0]?.outcome, requestLog.entries[0]?.detail], ['refused', 'not signed in']);
  });

  it('says of each arrival what its operation erases, counts and discloses', () => {
    const { destructive, counted, disclosing } = new RequestLog().arrive({ ...arrival, operation: 'lunash:hsm init' });
    assert.deepEqual({ destructive, counted, disclosing }, { destructive: true, counted: false, disclosing: false });
  });

  it('goes on with the numbers that it was kept with, and after it was cleared', () => {
    const kept = new RequestLog();
    kept.arrive(arrival);
    kept.arrive(arrival);
    const requestLog = new RequestLog(JSON.parse(JSON.stringify(kept.entries)));
    assert.equal(requestLog.arrive(arrival).seq, 3);
    requestLog.clear();
    assert.deepEqual(requestLog.entries, []);
    assert.equal(requestLog.arrive(arrival).seq, 4);
  });
});
