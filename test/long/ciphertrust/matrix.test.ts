import { carryOut, circumstances, options } from '../../support/ciphertrust/circumstances.ts';
import { TrustBench } from '../../support/ciphertrust/trust-bench.ts';

/** Everything that may be different about a CipherTrust Manager, with everything that may go wrong on the way to its root of trust. */
describe('A root of trust from any state', function () {
  this.timeout(30_000);
  for (const [option, quirks] of Object.entries(options))
    describe(option, () => {
      for (const [what, circumstance] of Object.entries(circumstances))
        it(`${what}: ${circumstance.incident ? 'an incident, and the retry completes' : 'it completes by itself'}`, async () => {
          const bench = await TrustBench.start({ ...quirks, ...circumstance.quirks });
          try {
            await carryOut(bench, circumstance);
          } finally {
            await bench.stop();
          }
        });
    });
});
