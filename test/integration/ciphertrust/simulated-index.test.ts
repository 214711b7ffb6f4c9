import assert from 'node:assert/strict';
import { routes as offered } from '../../../simulator/ciphertrust/routes.ts';
import { leftOut } from '../../support/ciphertrust/left-out.ts';
import { operations } from '../../support/ciphertrust/operations.ts';
import { simulatedManager } from '../../support/ciphertrust/simulated-manager.ts';
import { simulatedSamples } from '../../support/ciphertrust/simulated-samples.ts';
import { haveFixtures } from '../../support/fixtures.ts';

/** A slash at the end does not count, nor how a varying part is called. */
const normal = (operation: string): string => operation.replace(/\/$/, '').replace(/\{[^}]*\}/g, '{}');

describe('The simulated CipherTrust Manager, for clients that nobody here wrote', function () {
  this.timeout(30_000);
  before(function () {
    if (!haveFixtures) this.skip();
  });
  const sim = simulatedManager();
  const { switchOn, ask, signedIn } = sim;

  it('offers operations of the index alone', () => {
    const index = operations().map(normal);
    assert.ok(offered.length >= 60, `${offered.length}`);
    for (const { operation } of offered) assert.ok(index.includes(normal(operation)), operation);
  });

  it('leaves out of the index what is named as left out, and nothing else', () => {
    const simulated = offered.map(({ operation }) => normal(operation));
    const missing = operations().filter((operation) => !simulated.includes(normal(operation)));
    const named = Object.values(leftOut).flat();
    assert.deepEqual(
      missing.filter((operation) => !named.includes(operation)),
      [],
      'simulate it, or say in test/support/ciphertrust/left-out.ts why not',
    );
    assert.deepEqual(
      named.filter((operation) => !missing.includes(operation)),
      [],
      'it is simulated, or not in the index',
    );
  });

  it('answers each operation of the index: those that it knows, with and without a slash; the others by its own 404 or 405, and nothing changes', async () => {
    await switchOn({ timeScale: 6000 });
    const token = await signedIn();
    const known = new Map(offered.map((route) => [normal(route.operation), route]));
    const paths = new Set(offered.map(({ operation }) => normal(operation).split(' ')[1]));
    const before = JSON.stringify(sim.kept());
    // What is known and changes something is asked for by other tests.
    const asked = operations().filter((operation) => operation.startsWith('GET ') || !known.has(normal(operation)));
    assert.ok(asked.length > 100, `${asked.length} of the index`);
    const check = async (operation: string, path: string) => {
      const verb = operation.split(' ')[0]!;
      const { status, body } = await ask(verb, path.slice(3).replace(/\{[^}]*\}/g, 'none'), verb === 'GET' ? undefined : {}, token);
      const isKnown = known.has(normal(operation));
      // Single things called “none” are not there; of a path that is known other verbs are not allowed.
      const expected = isKnown && !path.includes('{') ? 200 : !isKnown && paths.has(normal(path)) ? 405 : 404;
      assert.equal(status, expected, `${operation}: ${JSON.stringify(body)}`);
      if (status !== 200) assert.deepEqual(Object.keys(body).sort(), ['code', 'codeDesc', 'message', 'requestID'], operation);
    };
    await Promise.all(
      asked.map(async (operation) => {
        const path = operation.split(' ')[1]!;
        await check(operation, path);
        await check(operation, path.endsWith('/') ? path.slice(0, -1) : `${path}/`);
      }),
    );
    assert.equal(JSON.stringify(sim.kept()), before, 'nothing changed');
    for (const { operation, open } of offered) {
      const [verb = '', path = ''] = operation.split(' ');
      if (!open) assert.equal((await ask(verb, path.slice(3).replace('{id}', 'none'), verb === 'GET' ? undefined : {})).status, 401, operation);
    }
  });

  it('answers in the form of every recorded sample', async () => {
    await switchOn({ timeScale: 6000 });
    const walk = { ...sim, token: await signedIn() };
    for (const answers of Object.values(simulatedSamples)) await answers(walk);
  });
});
