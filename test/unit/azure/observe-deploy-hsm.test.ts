import assert from 'node:assert/strict';
import { observeDeployHsm } from '../../../activities/hsm/deploy-hsm.ts';
import type { Azure } from '../../../systems/azure/azure.ts';
import { exampleRequest } from '../../support/example.ts';

describe('A look at the deployment of the HSM', () => {
  it('reads the deployment before what it makes: one that succeeds meanwhile never seems to have made nothing', async () => {
    let isOver = false;
    const id = '/subscriptions/s/resourceGroups/g/providers/Microsoft.HardwareSecurityModules/dedicatedHSMs/kylo-luna-hsm';
    const clients = {
      hsms: { dedicatedHsmOperations: { get: async () => (isOver ? { id, provisioningState: 'Succeeded' } : undefined) } },
      network: {
        virtualNetworkGateways: {
          async *list() {
            if (isOver)
              yield { id: 'gateway', name: 'gateway', provisioningState: 'Succeeded', ipConfigurations: [{ subnet: { id: '/network/subnets/gateway' } }] };
          },
        },
      },
      deployments: {
        deployments: {
          async get() {
            isOver = true;
            return { id: 'deployment', tags: {}, properties: { provisioningState: 'Succeeded' } };
          },
        },
      },
    };
    const read = (_: string, request: () => Promise<unknown>) => request();
    const azure = { clients: async () => clients, look: read, ask: read } as unknown as Azure;
    const input = { target: 'kylo', request: exampleRequest(), hsmSubnetId: '/network/subnets/hsm' } as Parameters<typeof observeDeployHsm>[1];
    const { deployment, hsm, gateway } = await observeDeployHsm(azure, input, { signal: new AbortController().signal, scheduledAt: 0 });
    assert.deepEqual(
      { deployment: deployment?.state, hsm: hsm?.state, gateway: gateway?.state },
      { deployment: 'Succeeded', hsm: 'Succeeded', gateway: 'Succeeded' },
    );
  });
});
