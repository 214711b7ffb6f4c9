import assert from 'node:assert/strict';
import { Type } from 'typebox';
import { hostOf, isServerOf, readServers } from '../../systems/ciphertrust/holds.ts';
import type { Manager } from '../../systems/ciphertrust/manager.ts';
import { codeOf, readFields } from '../../systems/foreign.ts';

describe('What a system tells', () => {
  const fields = { name: Type.String(), count: Type.Number() };

  it('counts as not told where it is of another kind than it must be, field by field', () => {
    assert.deepEqual(readFields(fields, { name: 'cm', count: 'three', more: true }), { name: 'cm' });
    assert.deepEqual(readFields(fields, { name: null, count: 3 }), { count: 3 });
  });

  it('is nothing where it is no object', () => {
    for (const told of [undefined, null, 'a page', 7, [{ name: 'cm' }]]) assert.deepEqual(readFields(fields, told), {});
  });

  it('of an HSM with a field of another kind leaves it among those that are listed', async () => {
    const entries = [{ id: 7, config: { host: null, serial: 1_234 } }];
    const list = async (_: string, wanted: Parameters<typeof readFields>[0]) => entries.map((entry) => readFields(wanted, entry));
    const [server] = await readServers({ list } as unknown as Manager);
    assert.ok(isServerOf(server!, '1234'));
    assert.equal(hostOf(server!), undefined);
  });

  it('of an error is its code, whatever was thrown', () => {
    assert.equal(codeOf(Object.assign(new Error('no'), { code: 'ENOENT' })), 'ENOENT');
    for (const thrown of [undefined, null, 'no', new Error('no')]) assert.equal(codeOf(thrown), undefined);
  });
});
