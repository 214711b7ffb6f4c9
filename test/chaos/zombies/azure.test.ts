import { describeZombies, stepsIn } from '../../support/zombie-suite.ts';

await describeZombies(stepsIn('permissions', 'network', 'hsm', 'luna-client', 'ciphertrust'), [
  'ciphertrust-vm, arm:PUT Microsoft.Compute/virtualMachines: stopped before, goes on after the step',
]);
