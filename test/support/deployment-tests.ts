import type { StepResult } from '../../domain/results.ts';
import { AzureBench } from './azure-bench.ts';

export const put = 'arm:PUT Microsoft.Resources/deployments';
export const hsmType = 'Microsoft.HardwareSecurityModules/dedicatedHSMs';
export const gatewayMade = 'arm:provisioning Microsoft.Network/virtualNetworkGateways';
/** Azure’s clients ask how a long operation is every so many milliseconds. */
export const often = { updateIntervalInMs: 50 };

interface DeploymentTests {
  bench: AzureBench;
  network: StepResult<'virtual-network'>;
  deploy: () => Promise<StepResult<'deploy-hsm'>>;
  /** How many deployments Azure took. */
  sent: () => number;
}

/** For the suite that calls it: to each test a simulated Azure of its own with the network that an HSM needs. */
export function deploymentTests(): DeploymentTests {
  const its = {
    deploy: () => its.bench.step('deploy-hsm', its.network),
    sent: () => its.bench.arrived(put, 'done').length,
  } as DeploymentTests;
  beforeEach(async () => {
    its.bench = await AzureBench.start();
    its.network = await its.bench.network();
    its.bench.attempts.length = 0;
  });
  afterEach(() => its.bench?.stop());
  return its;
}
