import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { stepIds } from '../../domain/steps.ts';

const folder = new URL('../../workflows/', import.meta.url);
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

/** A step’s id as a literal; one with a dash can be nothing else wherever it stands. */
const named = (text: string) => stepIds.filter((id) => new RegExp(id.includes('-') ? `\\b${id}\\b` : `['"\`]${id}['"\`]`).test(text));

describe('The engine', () => {
  it('knows no step by name: only the phases of a procedure do', () => {
    const others = sources.filter((file) => !file.startsWith('procedures/phases/'));
    assert.ok(others.some((file) => file.startsWith('engine/')));
    const found = others.map((file) => [file, named(readFileSync(new URL(file, folder), 'utf8'))] as const).filter(([, ids]) => ids.length > 0);
    assert.deepEqual(found, []);
  });

  it('imports no procedure', () => {
    for (const file of sources.filter((name) => name.startsWith('engine/')))
      assert.doesNotMatch(readFileSync(new URL(file, folder), 'utf8'), /procedures\//, file);
  });

  it('promises no type by a cast, nor do procedures: what is not checked is not known', () => {
    for (const file of sources) {
      const code = readFileSync(new URL(file, folder), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*|^import .*|'[^']*'/gm, '');
      assert.doesNotMatch(code.replace(/`(?:[^`$]|\$\{[^}]*\})*`/g, ''), /\bas (?!const\b)/, file);
    }
  });
});
