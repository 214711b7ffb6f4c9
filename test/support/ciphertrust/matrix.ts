import assert from 'node:assert/strict';
import { type Circumstance, carryOut, circumstances } from './circumstances.ts';
import { options } from './options.ts';
import { TrustBench } from './trust-bench.ts';

/** So many runs at once, each in a world of its own: they wait more than they work. */
const atOnce = 3;

/** One run; what went wrong in it, if anything did. */
async function run(option: string, circumstance: Circumstance): Promise<string[]> {
  const bench = await TrustBench.start({ ...options[option], ...circumstance.variants });
  try {
    await carryOut(bench, circumstance);
    return [];
  } catch (error) {
    return [`${option}: ${error instanceof Error ? error.stack : String(error)}`];
  } finally {
    await bench.stop();
  }
}

/** Everything that may go wrong on the way to a root of trust, with everything that may be different about a CipherTrust Manager: one of so many parts. */
export function matrix(part: number, parts: number): void {
  describe(`A root of trust from any state (${part} of ${parts})`, function () {
    this.timeout(120_000);
    for (const [what, circumstance] of Object.entries(circumstances).filter((_, at) => at % parts === part - 1))
      it(`${what}: ${circumstance.incident ? 'an incident, and the retry completes' : 'it completes by itself'}, with all ${Object.keys(options).length} kinds of manager`, async () => {
        const left = Object.keys(options);
        const worker = async (): Promise<string[]> => {
          const wrong: string[] = [];
          for (let option = left.pop(); option !== undefined; option = left.pop()) wrong.push(...(await run(option, circumstance)));
          return wrong;
        };
        const wrong = (await Promise.all(Array.from({ length: atOnce }, worker))).flat();
        assert.deepEqual(wrong, []);
      });
  });
}
