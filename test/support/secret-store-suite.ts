import assert from 'node:assert/strict';
import type { SecretStore } from '../../stores/secrets/store.ts';

/** What every secret store keeps to. `open` gives another view of the same store at each call, as another process has. */
export function aSecretStore(open: () => SecretStore): void {
  it('gives back what was kept, and nothing for a name that has none', async () => {
    assert.equal(await open().create('a-password', 'opensesame'), 'opensesame');
    assert.equal(await open().get('a-password'), 'opensesame');
    assert.equal(await open().get('another'), undefined);
  });

  it('keeps the first value, whoever comes second', async () => {
    assert.equal(await open().create('first-counts', 'first'), 'first');
    assert.equal(await open().create('first-counts', 'second'), 'first');
    assert.equal(await open().get('first-counts'), 'first');
  });

  it('gives everybody who writes at once the same value', async () => {
    const values = ['one', 'two', 'three', 'four'];
    const counted = await Promise.all(values.map((value) => open().create('at-once', value)));
    assert.equal(new Set(counted).size, 1, `not the same for all: ${counted.join(', ')}`);
    assert.ok(values.includes(counted[0]!));
    assert.equal(await open().get('at-once'), counted[0]);
  });

  it('keeps any characters', async () => {
    const value = '-----BEGIN KEY-----\r\n\t"quotes" \'too\' \\ {"json": null} <&> äß 漢字 🔑 \u0001 %00 \n\n ';
    assert.equal(await open().create('any-characters', value), value);
    assert.equal(await open().get('any-characters'), value);
  });

  it('takes names of letters, digits and dashes, 127 at most, and nothing else', async () => {
    const longest = 'n'.repeat(127);
    assert.equal(await open().create(longest, 'value'), 'value');
    for (const name of ['', '../x', 'a/b', 'a b', 'a_b', 'a.b', 'ä', `${longest}n`]) {
      await assert.rejects(async () => open().get(name), /no secret’s name/, name);
      await assert.rejects(async () => open().create(name, 'value'), /no secret’s name/, name);
    }
  });
}
