import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fixedFields, touches } from '../../domain/amendments.ts';
import { type StepId, step, stepIds } from '../../domain/steps.ts';

const root = new URL('../../', import.meta.url);
const sources = ['activities', 'systems', 'stores'].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ file: `${folder}/${name}`, text: readFileSync(new URL(`${folder}/${name}`, root), 'utf8') })),
);

/** The fields that a sentence offers to amend, as JSON pointers. */
const offeredIn = (text: string): string[] =>
  [...text.matchAll(/amendment\b[^'`.;]*/g)].flatMap(([offer]) => [...offer.matchAll(/(?<=[\s(])\/[a-zA-Z]+(?:\/[a-zA-Z0-9]+)*/g)].map(([pointer]) => pointer));

const usersOf = (pointer: string): StepId[] => stepIds.filter((id) => touches([{ path: pointer }], step(id).uses));
const isBefore = (one: string, other: StepId): boolean => step(other).after.some((id) => id === one || isBefore(one, id as StepId));

describe('A remedy that offers an amendment', () => {
  const offers = sources.flatMap(({ file, text }) => offeredIn(text).map((pointer) => ({ file, pointer })));

  it('names fields that a step uses and that a job may change', () => {
    assert.ok(offers.length > 15, 'the offers were found');
    for (const { file, pointer } of offers) {
      assert.ok(usersOf(pointer).length > 0, `${file}: ${pointer} is used by no step`);
      assert.ok(!touches([{ path: pointer }], fixedFields), `${file}: ${pointer} is fixed`);
    }
  });

  it('is followed where the step stands: no step before it has used the field', () => {
    const ofSteps = offers.flatMap(({ file, pointer }) => {
      const id = stepIds.find((each) => file.endsWith(`/${each}.ts`));
      return id === undefined ? [] : [{ id, pointer }];
    });
    assert.ok(new Set(ofSteps.map(({ id }) => id)).size >= 8, 'of several steps');
    const tooLate = ofSteps.flatMap(({ id, pointer }) =>
      usersOf(pointer)
        .filter((user) => isBefore(user, id))
        .map((user) => `${id}: ${pointer} was used by ${user}`),
    );
    assert.deepEqual(tooLate, []);
  });
});
