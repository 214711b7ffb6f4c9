import { ComputeManagementClient } from '@azure/arm-compute';
import { FeatureClient } from '@azure/arm-features';
import { AzureDedicatedHSMResourceProvider } from '@azure/arm-hardwaresecuritymodules';
import { MarketplaceOrderingAgreements } from '@azure/arm-marketplaceordering';
import { NetworkManagementClient } from '@azure/arm-network';
import { ResourceManagementClient } from '@azure/arm-resources';
import { DeploymentsClient } from '@azure/arm-resourcesdeployments';
import { ClientSecretCredential } from '@azure/identity';
import type { Azure } from '../../simulator/azure/azure.ts';

/** Microsoft’s clients as anybody has them who points them at another address: endpoint, credential and CA are given, everything else is their default. */
export function foreignClients({ arm, authority, caPem, credentials, subscriptionId }: Azure) {
  const tlsOptions = { ca: caPem };
  const { tenantId, clientId, clientSecret } = credentials;
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, { authorityHost: authority, disableInstanceDiscovery: true, tlsOptions });
  const options = { endpoint: arm, tlsOptions };
  return {
    resources: new ResourceManagementClient(credential, subscriptionId, options),
    deployments: new DeploymentsClient(credential, subscriptionId, options),
    features: new FeatureClient(credential, subscriptionId, options),
    network: new NetworkManagementClient(credential, subscriptionId, options),
    compute: new ComputeManagementClient(credential, subscriptionId, options),
    hsms: new AzureDedicatedHSMResourceProvider(credential, subscriptionId, options),
    marketplace: new MarketplaceOrderingAgreements(credential, subscriptionId, options),
  };
}

/** Everything in a list, over all its pages, and how many there were. */
export async function everything<T>(list: { byPage(): AsyncIterable<T[]> }): Promise<{ items: T[]; pages: number }> {
  const items: T[] = [];
  let pages = 0;
  for await (const page of list.byPage()) {
    items.push(...page);
    pages++;
  }
  return { items, pages };
}
