import assert from 'node:assert/strict';
import { Weather } from '../../../simulator/weather.ts';
import { until } from '../../support/until.ts';

const setup = 'ciphertrust:POST /v1/system/hsm/setup';

describe('The simulated weather', () => {
  it('strikes what a pattern means, whatever the case, and nothing else', async () => {
    const weather = new Weather();
    weather.add({ kind: 'error', operation: 'CIPHERTRUST:POST *', times: 0 });
    assert.equal((await weather.strike(setup))?.kind, 'error');
    assert.equal(await weather.strike('ciphertrust:GET /v1/system/info'), undefined);
    assert.equal(await weather.strike('lunash:ciphertrust:POST '), undefined);
  });

  it('takes every other sign of a pattern literally', async () => {
    const weather = new Weather();
    weather.add({ kind: 'error', operation: 'ciphertrust:GET /v1/trials/{id}', times: 0 });
    assert.ok(await weather.strike('ciphertrust:GET /v1/trials/{id}'));
    assert.equal(await weather.strike('ciphertrust:GET /v1/trialsiid'), undefined);
  });

  it('strikes once, so many times, or until it is removed', async () => {
    const weather = new Weather();
    weather.add({ kind: 'reset', operation: 'once' });
    weather.add({ kind: 'reset', operation: 'twice', times: 2 });
    const { id } = weather.add({ kind: 'reset', operation: 'always', times: 0 });
    const struck = async (operation: string) => {
      const faults = [];
      for (let at = 0; at < 4; at++) faults.push(await weather.strike(operation));
      return faults.filter(Boolean).length;
    };
    assert.deepEqual([await struck('once'), await struck('twice'), await struck('always')], [1, 2, 4]);
    assert.equal(weather.remove(id), true);
    assert.equal(await weather.strike('always'), undefined);
    assert.equal(weather.remove(id), false);
  });

  it('holds a request until it is released, and then the next fault counts', async () => {
    const weather = new Weather();
    weather.add({ kind: 'hold', operation: setup });
    weather.add({ kind: 'lie', operation: setup });
    const answered: (string | undefined)[] = [];
    const striking = weather.strike(setup).then((fault) => answered.push(fault?.kind));
    const hold = await until('the hold', async () => weather.held().find(({ operation }) => operation === setup));
    assert.deepEqual(answered, []);
    assert.equal(weather.release(hold.id), true);
    await striking;
    assert.deepEqual(answered, ['lie']);
    assert.deepEqual(weather.held(), []);
    assert.equal(weather.release(hold.id), false);
  });

  it('lets so many pass by first', async () => {
    const weather = new Weather();
    weather.add({ kind: 'reset', operation: 'arm:GET *', skip: 2, times: 2 });
    const struck = [];
    for (let at = 0; at < 6; at++) struck.push((await weather.strike('arm:GET something'))?.kind ?? 'passed');
    assert.deepEqual(struck, ['passed', 'passed', 'reset', 'reset', 'passed', 'passed']);
  });

  it('strikes what is no request only under its own name', () => {
    const weather = new Weather();
    weather.add({ kind: 'fail', operation: 'arm:*', times: 0 });
    assert.equal(weather.take('arm:provisioning ', 'Namespace/type', ['fail']), undefined);
    weather.add({ kind: 'never', operation: 'arm:provisioning Namespace/*' });
    assert.equal(weather.take('arm:provisioning ', 'Namespace/type', ['fail']), undefined);
    assert.equal(weather.take('arm:provisioning ', 'Namespace/type', ['fail', 'never'])?.kind, 'never');
    assert.equal(weather.take('arm:provisioning ', 'Namespace/type', ['fail', 'never']), undefined);
  });

  it('lets everything go when it clears up', async () => {
    const weather = new Weather();
    weather.add({ kind: 'hold', operation: setup, times: 0 });
    const striking = weather.strike(setup);
    weather.clear();
    assert.equal(await striking, undefined);
    assert.deepEqual(weather.list(), []);
  });
});
