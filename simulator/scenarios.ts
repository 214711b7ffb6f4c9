import type { Azure } from './azure/azure.ts';
import type { faultNames, scenarioNames } from './command-line.mjs';
import type { RunningWorld } from './create-world.ts';
import type { FaultRequest } from './faults.ts';
import { type ReadyMachines, readyHsm } from './ready-hsm.ts';

/** What is there at the start, by name. Each may be asked for again: what is there stays as it is. */
export const scenarios: Record<keyof typeof scenarioNames, (world: RunningWorld, azure: Azure) => Promise<Partial<ReadyMachines>>> = {
  empty: async () => ({}),
  'ready-hsm': readyHsm,
};

/** Scripted faults by name, for `--fault`. */
export const faultScripts: Record<keyof typeof faultNames, readonly FaultRequest[]> = {
  /** CipherTrust Manager says that it took the HSM, wipes itself and restarts, and is not sealed. */
  unsealed: [{ kind: 'lie', operation: 'ciphertrust:POST /v1/system/hsm/setup', times: 0, message: 'unsealed' }],
  /** What Azure does to a long job on a bad day; all of it passes, so the job goes on by itself. One HSM, one gateway and two machines must come of it. */
  'azure-storm': [
    { kind: 'error', operation: 'authority:POST token' },
    { kind: 'throttle', operation: 'arm:GET Microsoft.Features/features', amount: 1 },
    { kind: 'page', operation: 'arm:POST Microsoft.Resources/providers/register' },
    { kind: 'throttle', operation: 'arm:GET Microsoft.Compute/vmSizes', amount: 2, tell: 'date' },
    { kind: 'reset-after-accept', operation: 'arm:PUT Microsoft.Resources/resourceGroups' },
    {
      kind: 'error',
      operation: 'arm:PUT Microsoft.Network/virtualNetworks/subnets',
      status: 429,
      code: 'AnotherOperationInProgress',
      message: 'Another operation on this or dependent resource is in progress.',
    },
    { kind: 'reset', operation: 'arm:PUT Microsoft.Network/virtualNetworks/subnets', skip: 2 },
    { kind: 'error', operation: 'arm:POST Microsoft.Resources/deployments/validate', status: 503 },
    { kind: 'page', operation: 'arm:POST Microsoft.Resources/deployments/whatIf', status: 504 },
    { kind: 'reset-after-accept', operation: 'arm:PUT Microsoft.Resources/deployments' },
    {
      kind: 'fail',
      operation: 'arm:provisioning Microsoft.HardwareSecurityModules/dedicatedHSMs',
      message: 'The virtual network has no ExpressRoute gateway that is ready.',
    },
    {
      kind: 'error',
      operation: 'arm:GET Microsoft.Resources/deployments',
      status: 401,
      code: 'ExpiredAuthenticationToken',
      message: 'The access token has expired.',
      skip: 5,
    },
    { kind: 'throttle', operation: 'arm:GET Microsoft.Network/virtualNetworkGateways', amount: 1, times: 3, skip: 4 },
    { kind: 'throttle', operation: 'arm:GET Microsoft.Network/networkSecurityGroups' },
    { kind: 'stall', operation: 'arm:PUT Microsoft.Network/networkInterfaces' },
    { kind: 'reset-after-accept', operation: 'arm:PUT Microsoft.Compute/virtualMachines', times: 2 },
    { kind: 'page', operation: 'arm:GET Microsoft.Compute/virtualMachines/instanceView', times: 2 },
    { kind: 'reset', operation: 'arm:PUT Microsoft.Compute/virtualMachines/runCommands' },
    { kind: 'stall', operation: 'arm:GET Microsoft.Compute/virtualMachines/runCommands', skip: 1 },
    { kind: 'throttle', operation: 'arm:PUT Microsoft.MarketplaceOrdering/agreements', amount: 1, tell: 'milliseconds' },
    { kind: 'error', operation: 'arm:DELETE Microsoft.Network/networkSecurityGroups/securityRules', status: 503 },
  ],
};
