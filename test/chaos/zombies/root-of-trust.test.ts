import { describeZombies, stepsIn } from '../../support/zombie-suite.ts';

await describeZombies(stepsIn('root-of-trust', 'report'), [
  'set-root-of-trust, ciphertrust:POST /v1/system/hsm/setup: stopped before, goes on after the step',
  'set-root-of-trust, ciphertrust:POST /v1/system/hsm/setup: stopped in flight, goes on after the job',
]);
