import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { stepIds } from '../../domain/steps.ts';
import { purposes } from '../../stores/secrets/store.ts';

const root = new URL('../../', import.meta.url);
const product = ['domain', 'workflows', 'activities', 'systems', 'stores', 'temporal', 'worker', 'api', 'scripts'];

/** The catalog with the shapes of what goes in and comes out, the phases, and the registry, which says which function a step is. */
const known = [/^domain\/(?:steps|schemas\/steps|schemas\/step-outputs)\.ts$/, /^workflows\/procedures\/phases\//, /^activities\/registry\.ts$/];

/** Ids that are words of their own: `ntp` is a field of the request, and the secret of the appliance’s password is called like the step that sets it. */
const isUnmistakable = (id: string): boolean => id.includes('-') && !purposes.some((purpose) => purpose === id);

const withoutComments = (source: string): string => source.replace(/\/\*[\s\S]*?\*\/|\/\/ .*$/gm, '');

describe('A step', () => {
  it('is named in its own file, the catalog and its phase, and nowhere else, so that another one touches these alone', () => {
    const files = product
      .flatMap((folder) => readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`))
      .filter((file) => /\.m?[jt]s$/.test(file));
    const elsewhere = files
      .filter((file) => !known.some((place) => place.test(file)))
      .flatMap((file) => {
        const source = withoutComments(readFileSync(new URL(file, root), 'utf8'));
        const named = stepIds.filter((id) => isUnmistakable(id) && basename(file) !== `${id}.ts` && new RegExp(`['"\`]${id}['"\`]`).test(source));
        return named.map((id) => `${file}: ${id}`);
      });
    assert.deepEqual(elsewhere, []);
  });
});
