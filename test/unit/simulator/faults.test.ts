import assert from 'node:assert/strict';
import { Faults } from '../../../simulator/faults.ts';
import { until } from '../../support/until.ts';

const setup = 'ciphertrust:POST /v1/system/hsm/setup';

describe('The simulated faults', () => {
  it('strikes what a pattern means, whatever the case, and nothing else', async () => {
    const faults = new Faults();
    faults.add({ kind: 'error', operation: 'CIPHERTRUST:POST *', times: 0 });
    assert.equal((await faults.strike(setup))?.kind, 'error');
    assert.equal(await faults.strike('ciphertrust:GET /v1/system/info'), undefined);
    assert.equal(await faults.strike('lunash:ciphertrust:POST '), undefined);
  });

  it('takes every other sign of a pattern literally', async () => {
    const faults = new Faults();
    faults.add({ kind: 'error', operation: 'ciphertrust:GET /v1/trials/{id}', times: 0 });
    assert.ok(await faults.strike('ciphertrust:GET /v1/trials/{id}'));
    assert.equal(await faults.strike('ciphertrust:GET /v1/trialsiid'), undefined);
  });

  it('strikes once, so many times, or until it is removed', async () => {
    const faults = new Faults();
    faults.add({ kind: 'reset', operation: 'once' });
    faults.add({ kind: 'reset', operation: 'twice', times: 2 });
    const { id } = faults.add({ kind: 'reset', operation: 'always', times: 0 });
    const struck = async (operation: string) => {
      const taken = [];
      for (let at = 0; at < 4; at++) taken.push(await faults.strike(operation));
      return taken.filter(Boolean).length;
    };
    assert.deepEqual([await struck('once'), await struck('twice'), await struck('always')], [1, 2, 4]);
    assert.equal(faults.remove(id), true);
    assert.equal(await faults.strike('always'), undefined);
    assert.equal(faults.remove(id), false);
  });

  it('holds a request until it is released, and then the next fault counts', async () => {
    const faults = new Faults();
    faults.add({ kind: 'hold', operation: setup });
    faults.add({ kind: 'lie', operation: setup });
    const answered: (string | undefined)[] = [];
    const striking = faults.strike(setup).then((fault) => answered.push(fault?.kind));
    const hold = await until('the hold', async () => faults.held().find(({ operation }) => operation === setup));
    assert.deepEqual(answered, []);
    assert.equal(faults.release(hold.id), true);
    await striking;
    assert.deepEqual(answered, ['lie']);
    assert.deepEqual(faults.held(), []);
    assert.equal(faults.release(hold.id), false);
  });

  it('lets so many pass by first', async () => {
    const faults = new Faults();
    faults.add({ kind: 'reset', operation: 'arm:GET *', skip: 2, times: 2 });
    const struck = [];
    for (let at = 0; at < 6; at++) struck.push((await faults.strike('arm:GET something'))?.kind ?? 'passed');
    assert.deepEqual(struck, ['passed', 'passed', 'reset', 'reset', 'passed', 'passed']);
  });

  it('strikes what is no request only under its own name', () => {
    const faults = new Faults();
    faults.add({ kind: 'fail', operation: 'arm:*', times: 0 });
    assert.equal(faults.take('arm:provisioning ', 'Namespace/type', ['fail']), undefined);
    faults.add({ kind: 'never', operation: 'arm:provisioning Namespace/*' });
    assert.equal(faults.take('arm:provisioning ', 'Namespace/type', ['fail']), undefined);
    assert.equal(faults.take('arm:provisioning ', 'Namespace/type', ['fail', 'never'])?.kind, 'never');
    assert.equal(faults.take('arm:provisioning ', 'Namespace/type', ['fail', 'never']), undefined);
  });

  it('lets everything go when it clears up', async () => {
    const faults = new Faults();
    faults.add({ kind: 'hold', operation: setup, times: 0 });
    const striking = faults.strike(setup);
    faults.clear();
    assert.equal(await striking, undefined);
    assert.deepEqual(faults.list(), []);
  });
});
