import { armAudiences } from './clouds.ts';
import { ArmError, type ArmReply } from './http.ts';

const under = (name: string) => `${name}.localhost`;

/** What a client that knows nothing but ARM’s address asks first, in the form of the version that it names: Azure CLI and Terraform want the newest. */
export function metadata(base: string, apiVersion: string): ArmReply {
  if (apiVersion === '') throw new ArmError(400, 'MissingApiVersionParameter', 'The api-version query parameter (?api-version=) is required for all requests.');
  if (!/^20\d\d-\d\d-\d\d(-preview)?$/.test(apiVersion)) throw new ArmError(400, 'InvalidApiVersionParameter', `The api-version '${apiVersion}' is invalid.`);
  const audiences = armAudiences(base);
  if (apiVersion < '2018')
    return {
      status: 200,
      body: {
        galleryEndpoint: base,
        graphEndpoint: base,
        portalEndpoint: base,
        graphAudience: base,
        authentication: { loginEndpoint: base, audiences },
      },
    };
  const cloud = { ...oneCloud(base), authentication: { loginEndpoint: base, audiences, tenant: 'common', identityProvider: 'AAD' } };
  return { status: 200, body: apiVersion < '2022' ? [cloud] : cloud };
}

const oneCloud = (base: string) => ({
  portal: base,
  media: base,
  graphAudience: base,
  graph: base,
  name: 'Simulated',
  suffixes: {
    azureDataLakeStoreFileSystem: under('datalakestore'),
    acrLoginServer: under('containers'),
    sqlServerHostname: under('sql'),
    azureDataLakeAnalyticsCatalogAndJob: under('datalakeanalytics'),
    keyVaultDns: under('vault'),
    storage: under('storage'),
    azureFrontDoorEndpointSuffix: under('frontdoor'),
    storageSyncEndpointSuffix: under('storagesync'),
    mhsmDns: under('managedhsm'),
    mysqlServerEndpoint: under('mysql'),
    postgresqlServerEndpoint: under('postgres'),
    mariadbServerEndpoint: under('mariadb'),
    synapseAnalytics: under('synapse'),
    attestationEndpoint: under('attestation'),
  },
  batch: base,
  resourceManager: `${base}/`,
  vmImageAliasDoc: base,
  activeDirectoryDataLake: base,
  sqlManagement: base,
  gallery: base,
  microsoftGraphResourceId: base,
  appInsightsResourceId: base,
  appInsightsTelemetryChannelResourceId: base,
  attestationResourceId: base,
  synapseAnalyticsResourceId: base,
  logAnalyticsResourceId: base,
  ossrDbmsResourceId: base,
});
