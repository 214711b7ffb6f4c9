import { carryOut, circumstances } from '../support/ciphertrust/circumstances.ts';
import { options } from '../support/ciphertrust/options.ts';
import { TrustBench } from '../support/ciphertrust/trust-bench.ts';

/** Every other thing that may go wrong, each with one of the ways in which a CipherTrust Manager may differ; the long suite has all with all. */
describe('A root of trust, whatever happens on the way', function () {
  this.timeout(30_000);
  const ways = Object.entries(options);
  for (const [at, [what, circumstance]] of Object.entries(circumstances).entries()) {
    if (at % 2 === 1) continue;
    const [option, variants] = ways[at % ways.length]!;
    it(`${what} (${option})`, async () => {
      const bench = await TrustBench.start({ ...variants, ...circumstance.variants });
      try {
        await carryOut(bench, circumstance);
      } finally {
        await bench.stop();
      }
    });
  }
});
