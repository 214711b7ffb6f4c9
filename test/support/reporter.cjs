// mocha's own Spec reporter and, as the very last line, the counts of the run. Where HSM_TEST_COUNTS names a file, they go there for the caller to print, with the
// first failure.
const { writeFileSync } = require('node:fs');
const { reporters, Runner } = require('mocha');

module.exports = class CountingSpec extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    let firstFailure;
    runner.on(Runner.constants.EVENT_TEST_FAIL, (runnable, error) => {
      firstFailure ??= { title: runnable.fullTitle(), isHook: runnable.type === 'hook', timedOut: error?.code === 'ERR_MOCHA_TIMEOUT' };
    });
    // A file that cannot be loaded ends the run once more.
    runner.on(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      const file = process.env.HSM_TEST_COUNTS;
      if (file) writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending, firstFailure }));
      else console.log(`${passes} passed, ${failures} failed, ${pending} skipped`);
    });
  }
};
