import assert from 'node:assert/strict';
import { Limits } from '../../../simulator/azure/limits.ts';
import { Clock } from '../../../simulator/clock.ts';

const sub = '/subscriptions/d44a44b4-f4ce-4bb4-b4bc-444444444444';
const name = (kind: string, scope = 'subscription') => `x-ms-ratelimit-remaining-${scope}-${kind}`;

describe('What ARM lets a subscription ask in an hour', () => {
  /** Moments in ms; an hour takes one minute here. */
  function limits(perHour?: string) {
    const time = { now: 0 };
    const counting = new Limits({ clock: new Clock(60), variants: perHour === undefined ? {} : { 'azure.requestsPerHour': perHour } }, () => time.now);
    return { time, take: (method: string, path = sub) => counting.take(method, path) };
  }

  it('is told with every answer, and falls by one: reads, writes and deletions apart, for each subscription and the tenant', () => {
    const { take } = limits();
    assert.deepEqual(take('GET').headers, { [name('reads')]: '11999' });
    assert.deepEqual(take('HEAD', `${sub}/resourcegroups/x`).headers, { [name('reads')]: '11998' });
    for (const [at, method] of ['PUT', 'POST', 'PATCH'].entries()) assert.deepEqual(take(method).headers, { [name('writes')]: `${1199 - at}` });
    assert.deepEqual(take('DELETE').headers, { [name('deletes')]: '14999' });
    assert.deepEqual(take('GET', '/subscriptions/another/resources').headers, { [name('reads')]: '11999' });
    assert.deepEqual(take('GET', '/tenants').headers, { [name('reads', 'tenant')]: '11999' });
  });

  it('is refused when nothing is left, with the time until there is', () => {
    const { take } = limits('6,2,1');
    assert.deepEqual(
      [take('PUT'), take('POST')].map(({ refusal }) => refusal),
      [undefined, undefined],
    );
    const { headers, refusal } = take('PUT');
    assert.deepEqual([headers, refusal?.status, refusal?.headers], [{ [name('writes')]: '0' }, 429, { 'retry-after': '30' }]);
    assert.match(
      JSON.stringify(refusal?.body),
      /"code":"SubscriptionRequestsThrottled","message":"Number of 'write' requests for subscription 'd44a44b4-[^']+' exceeded\. Please try again after '30' seconds/,
    );
    assert.deepEqual([take('GET').headers, take('DELETE').headers], [{ [name('reads')]: '5' }, { [name('deletes')]: '0' }]);
  });

  it('grows again all the time, to what it was and no further', () => {
    const { take, time } = limits('6,2,1');
    take('PUT');
    take('PUT');
    time.now = 29_500;
    assert.deepEqual(take('PUT').refusal?.headers, { 'retry-after': '1' });
    time.now = 30_000;
    assert.equal(take('PUT').refusal, undefined);
    time.now = 10 * 60_000;
    assert.deepEqual(take('PUT').headers, { [name('writes')]: '1' });
  });
});
