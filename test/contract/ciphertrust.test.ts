import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { answerFailure } from '../../systems/ciphertrust/errors.ts';
import { operations } from '../support/ciphertrust/operations.ts';
import { allRequests } from '../support/ciphertrust/requests.ts';
import { recordedSamples } from '../support/ciphertrust/samples.ts';
import { answersToSent, sentSamples } from '../support/ciphertrust/sent-samples.ts';
import { simulatedSamples } from '../support/ciphertrust/simulated-samples.ts';
import { neverSent, understoodSamples } from '../support/ciphertrust/understood-samples.ts';
import { haveFixtures } from '../support/fixtures.ts';

/** Every path of the API that the product’s sources name. */
const paths = (): string[] =>
  ['systems/ciphertrust', 'activities/ciphertrust', 'activities/root-of-trust'].flatMap((folder) => {
    const files = readdirSync(new URL(`../../${folder}/`, import.meta.url));
    const sources = files.map((file) => readFileSync(new URL(`../../${folder}/${file}`, import.meta.url), 'utf8'));
    return sources.flatMap((text) => [...text.matchAll(/['`](\/v1\/[^'`]+)['`]/g)].map(([, path]) => path!));
  });

/** Is this a path of that operation, a name in place of a varying part or not? */
const isOf = (path: string, operation: string): boolean =>
  new RegExp(`^${operation.split(' ')[1]!.replace(/\{[^}]*\}/g, '[^/]+')}$`).test(path.replace(/\$\{[^}]*\}+/g, 'x'));

describe('What is known of CipherTrust Manager', () => {
  before(function () {
    if (!haveFixtures) this.skip();
  });

  describe('What is sent equals the samples, field by field', () => {
    for (const [name, check] of Object.entries(sentSamples)) it(name, check);
  });

  describe('What is answered is understood', () => {
    for (const [name, check] of Object.entries({ ...answersToSent, ...understoodSamples })) it(name, check);

    it('a proxy’s page while it boots is waited out', () => {
      const { problem } = answerFailure('asking', { status: 502, body: '<html><head><title>502 Bad Gateway</title></head></html>' });
      assert.deepEqual([problem.code, problem.evidence?.text], ['CIPHERTRUST_BUSY', '502 502 Bad Gateway']);
    });
  });

  it('no recorded sample is left out: it is sent, understood, given by the simulated manager, or said never to be sent', () => {
    const known = Object.keys({ ...sentSamples, ...answersToSent, ...understoodSamples, ...simulatedSamples, ...neverSent });
    assert.deepEqual(
      recordedSamples().filter((sample) => !known.includes(sample)),
      ['00-operations-index.txt'],
      'nobody reads it',
    );
    assert.deepEqual(
      known.filter((sample) => !recordedSamples().includes(sample)),
      [],
      'it is not recorded',
    );
  });

  it('nothing is asked for that is not in the index of operations, written as there, to the slash at its end', () => {
    const index = operations();
    assert.ok(paths().length > 20);
    for (const path of paths())
      assert.ok(
        index.some((operation) => isOf(path, operation)),
        path,
      );
  });

  it('a worker is killed in every request that there is', () => {
    const slashless = (path: string) => path.replace(/\/$/, '');
    for (const path of paths())
      assert.ok(
        allRequests.some((request) => request !== 'ssh' && isOf(slashless(path), request)),
        `${path}: name it in test/support/ciphertrust/requests.ts`,
      );
  });
});
