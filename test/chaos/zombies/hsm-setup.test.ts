import { describeZombies, stepsIn } from '../../support/zombie-suite.ts';

await describeZombies(
  stepsIn('hsm-setup').filter((step) => step !== 'fips-mode'),
  [
    'initialize-hsm, lunash:hsm init: stopped before, goes on after the step',
    'initialize-hsm, lunash:hsm init: stopped question, goes on after the next step',
    'prepare-ntls, lunash:sysconf regenCert: stopped before, goes on after the step',
  ],
);
