// mocha's root hooks: a file that leaves a server, a connection, a timer or a process behind fails at its end. Files that run side by side do so in processes
// that mocha ends whatever goes on in them: nobody would see it.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

/** How long what is being ended may take. */
const patienceMs = 30_000;

/** What keeps this process alive, each as often as it is there. */
async function active(): Promise<string[]> {
  // The timer that was waited for last is over only then.
  await new Promise(setImmediate);
  return process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate');
}

function without(all: readonly string[], known: readonly string[]): string[] {
  const left = [...all];
  for (const kind of known) if (left.includes(kind)) left.splice(left.indexOf(kind), 1);
  return left;
}

let before: string[];

export const mochaHooks = {
  async beforeAll() {
    before = await active();
  },
  async afterAll(this: Mocha.Context) {
    this.timeout(2 * patienceMs);
    const end = Date.now() + patienceMs;
    let left: string[];
    while ((left = without(await active(), before)).length > 0 && Date.now() < end) await pause(100);
    assert.deepEqual(left, [], `after ${patienceMs / 1000} s something that a test started is still there`);
  },
};
