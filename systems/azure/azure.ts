import type { ComputeManagementClient } from '@azure/arm-compute';
import type { FeatureClient } from '@azure/arm-features';
import type { AzureDedicatedHSMResourceProvider } from '@azure/arm-hardwaresecuritymodules';
import type { MarketplaceOrderingAgreements } from '@azure/arm-marketplaceordering';
import type { NetworkManagementClient } from '@azure/arm-network';
import type { ResourceManagementClient } from '@azure/arm-resources';
import type { DeploymentsClient } from '@azure/arm-resourcesdeployments';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import { StepFailure } from '../../domain/failure.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { currentFence, type Fence, noPermitIn } from '../fence.ts';
import type { Outbound } from '../outbound.ts';
import type { Settings } from '../settings.ts';
import { cloudOf } from './clouds.ts';
import { credential } from './credential.ts';
import { azureFailure, isAbsent, isForeign, isSignIn, statusOf } from './errors.ts';
import { speaking } from './policies.ts';
import { transport } from './transport.ts';
import { underPermit } from './under-permit.ts';

export interface AzureClients {
  resources: ResourceManagementClient;
  deployments: DeploymentsClient;
  features: FeatureClient;
  network: NetworkManagementClient;
  compute: ComputeManagementClient;
  hsms: AzureDedicatedHSMResourceProvider;
  marketplace: MarketplaceOrderingAgreements;
}

interface Submitted {
  submitted(): Promise<void>;
}

/** Microsoft’s own clients for the subscription of a request. Whatever they throw becomes a failure that says what to do. */
export interface Azure {
  clients(azure: ProvisioningRequest['azure']): Promise<AzureClients>;
  /** Asks something. `tried` is what failed, in a person’s words. */
  ask<T>(tried: string, question: () => Promise<T>): Promise<T>;
  /** Reads something that may not exist: nothing, where Azure itself says that it does not. */
  look<T>(tried: string, question: () => Promise<T>): Promise<T | undefined>;
  /** Starts a long operation and waits until Azure has accepted it, no longer: what comes of it is looked at afterwards. */
  submit(tried: string, operation: () => Submitted): Promise<void>;
}

/** Only those versions whose specification is at hand are spoken. */
const versions = { resources: '2024-03-01', deployments: '2024-03-01', features: '2021-07-01', network: '2024-01-01', compute: '2024-03-01' } as const;

/** What a test may put in place of the wire and of who this service is. */
interface Wire {
  httpClient: HttpClient;
  identity: TokenCredential;
}

/** `fenceOf` says whose permits are asked for; it is another one only where a test plays somebody else. */
export function createAzure(settings: Settings, outbound: Outbound, fenceOf = currentFence, wire?: Wire): Azure {
  const known = new Map<string, Promise<AzureClients>>();
  return {
    clients(azure) {
      const key = `${azure.cloud ?? 'public'} ${azure.subscriptionId}`;
      if (!known.has(key)) known.set(key, clientsFor({ settings, outbound, fenceOf, wire }, azure));
      return known.get(key)!;
    },
    async ask(tried, question) {
      try {
        return await question();
      } catch (error) {
        // A token that is refused is not offered again, nor does a sign-in library’s own pause count.
        if (statusOf(error) === 401 || isSignIn(error)) known.clear();
        throw noPermitIn(error) ?? (error instanceof StepFailure || isAbort(error) || !isForeign(error) ? error : azureFailure(tried, error));
      }
    },
    look(tried, question) {
      return this.ask(tried, () =>
        question().catch((error: unknown) => {
          if (isAbsent(error)) return undefined;
          throw error;
        }),
      );
    },
    submit(tried, operation) {
      return this.ask(tried, () => operation().submitted());
    },
  };
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

interface Way {
  settings: Settings;
  outbound: Outbound;
  fenceOf: () => Fence;
  wire: Wire | undefined;
}

async function clientsFor({ settings, outbound, fenceOf, wire }: Way, azure: ProvisioningRequest['azure']): Promise<AzureClients> {
  const cloud = cloudOf(azure);
  const { subscriptionId } = azure;
  const sending = { ...transport(settings, outbound), ...(wire ? { httpClient: wire.httpClient } : {}) };
  const common = { ...sending, additionalPolicies: [...sending.additionalPolicies, underPermit(outbound, settings.authorityPem, fenceOf)] };
  const identity = wire?.identity ?? (await credential(settings, cloud, outbound));
  const { scope } = cloud;
  const endpoint = settings.azure.armEndpoint ?? cloud.arm;
  const options = { ...common, endpoint, credentials: { scopes: [scope] }, credentialScopes: [scope] };
  const [resources, deployments, features, network, compute, hsms, marketplace] = await Promise.all([
    import('@azure/arm-resources'),
    import('@azure/arm-resourcesdeployments'),
    import('@azure/arm-features'),
    import('@azure/arm-network'),
    import('@azure/arm-compute'),
    import('@azure/arm-hardwaresecuritymodules'),
    import('@azure/arm-marketplaceordering'),
  ]);
  const fixed = (apiVersion: string) => ({ ...options, additionalPolicies: [...common.additionalPolicies, speaking(apiVersion)] });
  return {
    resources: new resources.ResourceManagementClient(identity, subscriptionId, { ...options, apiVersion: versions.resources }),
    deployments: new deployments.DeploymentsClient(identity, subscriptionId, { ...options, apiVersion: versions.deployments }),
    features: new features.FeatureClient(identity, subscriptionId, { ...options, apiVersion: versions.features }),
    network: new network.NetworkManagementClient(identity, subscriptionId, fixed(versions.network)),
    compute: new compute.ComputeManagementClient(identity, subscriptionId, fixed(versions.compute)),
    hsms: new hsms.AzureDedicatedHSMResourceProvider(identity, subscriptionId, { ...options, $host: endpoint }),
    marketplace: new marketplace.MarketplaceOrderingAgreements(identity, subscriptionId, { ...options, $host: endpoint }),
  };
}
