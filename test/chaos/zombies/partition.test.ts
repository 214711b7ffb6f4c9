import { describeZombies, stepsIn } from '../../support/zombie-suite.ts';

await describeZombies(stepsIn('partition'), [
  'connect-client, lunacm:clientconfig deploy: stopped before, goes on after the next step',
  'initialize-partition, lunacm:partition init: stopped before, goes on after the step',
  'crypto-officer, lunacm:role changepw: stopped sent, goes on after the job',
]);
