import { describeZombies } from '../../support/zombie-suite.ts';

await describeZombies(
  ['fips-mode'],
  [
    'fips-mode, lunash:hsm changePolicy: stopped before, goes on after the next step',
    'fips-mode, lunash:hsm changePolicy: stopped question, goes on after the job',
    'fips-mode, lunash:hsm changePolicy: stopped in flight, goes on after the job',
    'fips-mode, lunash:hsm login: stopped question, goes on after the step',
  ],
);
