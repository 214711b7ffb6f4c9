import assert from 'node:assert/strict';
import type { Systems } from '../../activities/systems.ts';
import { cloudNames } from '../../simulator/azure/clouds.ts';
import type { AzureState } from '../../simulator/azure/state.ts';
import { createSocks, type Socks } from '../../simulator/network/socks.ts';
import { createStore } from '../../stores/secrets/create-store.ts';
import type { AzureClients } from '../../systems/azure/azure.ts';
import { azureConnection } from '../../systems/azure/connection.ts';
import { readSettings } from '../../worker/settings.ts';
import { createSystems } from '../../worker/systems.ts';
import { AzureBench } from '../support/azure-bench.ts';
import { exampleRequest } from '../support/example.ts';

/** One question that each of the product’s Azure clients can ask. */
const questions: { [Client in keyof AzureClients]: (client: AzureClients[Client], group: string) => Promise<unknown> } = {
  resources: (client, group) => client.resourceGroups.get(group),
  deployments: (client, group) => client.deployments.get(group, 'HSMdeploy'),
  features: (client) => client.features.get('Microsoft.HardwareSecurityModules', 'AzureDedicatedHSM'),
  network: (client, group) => client.virtualNetworks.get(group, 'network'),
  compute: (client, group) => client.virtualMachines.get(group, 'machine'),
  hsms: (client, group) => client.dedicatedHsmOperations.get(group, 'hsm'),
  marketplace: (client) => client.marketplaceAgreements.get('virtualmachine', 'thalesdiscplusainc1596561677238', 'cm_k170v', 'ciphertrust_manager'),
};

/**
 * Configured as in production: no endpoint, no authority, only the way out. Behind it lie Microsoft’s own names, and of those only the ones of the cloud in
 * question; tokens for another cloud’s resources are refused there.
 */
for (const [cloud, domains, example, resource, vault] of [
  ['public', ['azure.com', 'microsoftonline.com', 'azure.net'], 'luna-kylo', 'https://management.azure.com', 'vault.azure.net'],
  ['usgovernment', ['usgovcloudapi.net', 'microsoftonline.us'], 'azure-government', 'https://management.core.usgovcloudapi.net', 'vault.usgovcloudapi.net'],
] as const)
  describe(`The Azure cloud “${cloud}”`, function () {
    this.timeout(60_000);
    let bench: AzureBench;
    let socks: Socks;
    let systems: Systems;
    let env: NodeJS.ProcessEnv;
    before(async () => {
      bench = await AzureBench.start();
      socks = await createSocks(bench.world);
      for (const name of cloudNames) if (!domains.some((domain) => name.endsWith(`.${domain}`))) bench.world.network.detach(name);
      const { HSM_ARM_ENDPOINT, AZURE_AUTHORITY_HOST, ...others } = bench.env;
      env = { ...others, HSM_PROXY: `socks5://127.0.0.1:${socks.port}` };
      systems = createSystems(readSettings(env));
      bench.request = exampleRequest(example);
      Object.assign(bench.systems, systems);
    });
    after(async () => {
      await socks.stop();
      await bench.stop();
    });
    beforeEach(() => {
      bench.world.requestLog.clear();
      (bench.world.state['azure'] as AzureState).tokens.length = 0;
    });
    /** The resources that tokens were asked for. */
    const asked = () => [...new Set((bench.world.state['azure'] as AzureState).tokens.map(({ audience }) => audience))];

    for (const name of Object.keys(questions) as (keyof AzureClients)[])
      it(`is asked by the client for ${name}, with a token of its own`, async () => {
        const clients = await createSystems(readSettings(env)).azure.clients(bench.request.azure);
        assert.deepEqual(Object.keys(clients).sort(), Object.keys(questions).sort());
        const question = questions[name] as (client: unknown, group: string) => Promise<unknown>;
        await systems.azure.look('asking', () => question(clients[name], bench.request.azure.resourceGroup));
        assert.deepEqual(asked(), [resource]);
        const [answer, ...more] = bench.arrived('arm:*');
        assert.deepEqual(more, []);
        assert.ok(answer!.outcome === 'done' || /NotFound/.test(answer!.detail ?? ''), `${answer!.operation} ${answer!.detail}`);
        assert.deepEqual(bench.arrived('socks:*'), [], 'nothing of another cloud was asked for');
      });

    it('is where long operations are followed', async () => {
      await bench.network();
      assert.deepEqual(asked(), [resource]);
      assert.ok(bench.arrived('arm:PUT Microsoft.Network/virtualNetworks', 'done').length > 0);
      assert.deepEqual(bench.arrived('socks:*'), []);
    });

    it('has key vaults, whose tokens are asked for at its own authority', async () => {
      const settings = readSettings({ ...env, HSM_SECRETS: 'key-vault', HSM_KEY_VAULT_URL: `https://simulated.${vault}` });
      assert.equal(await createStore(settings.secrets, azureConnection(settings, systems.outbound)).get('nothing-there'), undefined);
      assert.deepEqual(asked(), [`https://${vault}`]);
      assert.ok(bench.arrived('vault:GET versions', 'done').length > 0);
      assert.deepEqual(bench.arrived('socks:*'), []);
    });
  });
