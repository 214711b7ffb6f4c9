import assert from 'node:assert/strict';
import type { NumberedStore } from '../../stores/record/numbered-store.ts';

/** What every store of entries keeps to. `open` gives another view of the same store at each call, as another process has. */
export function aNumberedStore(open: () => NumberedStore): void {
  it('returns what was created, and nothing for a name that has nothing', async () => {
    assert.deepEqual(await open().create('returned/hsm/000001', 'first'), { won: true, value: 'first' });
    assert.equal(await open().get('returned/hsm/000001'), 'first');
    assert.equal(await open().get('returned/hsm/000002'), undefined);
  });

  it('keeps the first value and gives it to whoever comes second', async () => {
    await open().create('kept/hsm/000001', 'first');
    assert.deepEqual(await open().create('kept/hsm/000001', 'second'), { won: false, value: 'first' });
    assert.equal(await open().get('kept/hsm/000001'), 'first');
  });

  it('lets exactly one of many writers of the same name win, and gives its value to all', async () => {
    const values = Array.from({ length: 20 }, (_, index) => `of writer ${index}`);
    const all = await Promise.all(values.map((value) => open().create('raced/hsm/000001', value)));
    const winner = values.filter((_, index) => all[index]!.won);
    assert.equal(winner.length, 1, `winners: ${winner.join(', ')}`);
    assert.deepEqual([...new Set(all.map(({ value }) => value))], winner);
  });

  it('lists the names of a prefix in order, and no others', async () => {
    for (const name of ['listed/hsm/000002', 'listed/hsm/000001', 'listed/windows/000001', 'listed2/hsm/000001']) await open().create(name, name);
    assert.deepEqual(await open().list('listed/hsm/'), ['listed/hsm/000001', 'listed/hsm/000002']);
    assert.deepEqual(await open().list('listed/'), ['listed/hsm/000001', 'listed/hsm/000002', 'listed/windows/000001']);
    assert.deepEqual(await open().list('unlisted/hsm/'), []);
    assert.ok((await open().list('')).includes('listed2/hsm/000001'));
  });

  it('keeps any characters', async () => {
    const value = '{"quotes":"\\"","unicode":"äß 漢字 🔑 \\u0001","line":"\\r\\n"} \n';
    await open().create('characters/hsm/000001', value);
    assert.equal(await open().get('characters/hsm/000001'), value);
  });
}
