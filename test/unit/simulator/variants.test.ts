import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { readQuirks, variants } from '../../../simulator/variants.mjs';

const simulator = new URL('../../../simulator/', import.meta.url);

describe('The variants of the simulated world', () => {
  it('are each declared, and each used', () => {
    const files = readdirSync(simulator, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const sources = files.map((file) => readFileSync(new URL(file, simulator), 'utf8')).join('\n');
    const used = [...sources.matchAll(/(?:variants\[|keeps\()'([^']+)'/g)].map(([, name]) => name);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(variants).sort());
  });

  it('of CipherTrust Manager are each tried, whatever value they may have', () => {
    const tests = new URL('../../', import.meta.url);
    const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const tried = files.flatMap((file) => [...readFileSync(new URL(file, tests), 'utf8').matchAll(/'(ciphertrust\.\w+)': '([^']*)'/g)]);
    const unusual = Object.entries(variants).flatMap(([name, { values }]) => {
      if (!name.startsWith('ciphertrust.')) return [];
      return values ? values.slice(1).map((value) => `${name}=${value}`) : [name];
    });
    const seen = tried.flatMap(([, name, value]) => [`${name}=${value}`, name]);
    assert.deepEqual(
      unusual.filter((one) => !seen.includes(one)),
      [],
    );
  });

  it('are read from options, and a misspelt one is refused', () => {
    assert.deepEqual(readQuirks(['ciphertrust.setupStatus=201', 'luna.zone=UTC']), { 'ciphertrust.setupStatus': '201', 'luna.zone': 'UTC' });
    assert.throws(() => readQuirks(['ciphertrust.setupStaus=201']), /no variant ciphertrust\.setupStaus/);
    assert.throws(() => readQuirks(['ciphertrust.setupStatus=404']), /one of: 200, 201/);
    assert.throws(() => readQuirks(['luna.zone']), /any text/);
  });
});
