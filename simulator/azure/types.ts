import { hsmRegions, regions } from './regions.ts';

/** A resource provider: the versions it is spoken to in, oldest first, and its types as Microsoft writes them. */
interface Provider {
  versions: readonly string[];
  types: readonly string[];
  /** Regions of its types; none where a type belongs to no region. */
  locations: readonly string[];
  /** There are more versions between the first and the last than are told here. */
  more?: true;
}

const dates = (text: string): string[] => text.trim().split(/\s+/);

/** What lies in ARM itself. */
const armVersions = dates(`
  2014-04-01 2015-01-01 2015-11-01 2016-02-01 2016-06-01 2016-07-01 2016-09-01 2017-03-01 2017-05-01 2017-05-10 2017-06-01 2017-08-01 2018-01-01 2018-02-01
  2018-05-01 2018-07-01 2018-08-01 2018-09-01 2018-11-01 2019-03-01 2019-05-01 2019-05-10 2019-06-01 2019-07-01 2019-08-01 2019-09-01 2019-10-01 2019-11-01
  2020-01-01 2020-05-01 2020-06-01 2020-08-01 2020-09-01 2020-10-01 2021-01-01 2021-04-01 2022-01-01 2022-06-01 2022-09-01 2022-12-01 2023-07-01 2024-03-01
  2024-07-01 2024-11-01 2025-03-01 2025-04-01 2026-06-01`);

const networkVersions = dates(`
  2015-06-15 2016-03-30 2016-06-01 2016-09-01 2016-12-01 2017-03-01 2017-06-01 2017-08-01 2017-10-01 2017-11-01 2018-01-01 2018-02-01 2018-04-01 2018-06-01
  2018-07-01 2018-08-01 2018-10-01 2018-11-01 2018-12-01 2019-02-01 2019-04-01 2019-06-01 2019-07-01 2019-08-01 2019-09-01 2019-11-01 2019-12-01 2020-03-01
  2020-04-01 2020-05-01 2020-06-01 2020-07-01 2020-08-01 2020-11-01 2021-02-01 2021-03-01 2021-05-01 2021-08-01 2022-01-01 2022-05-01 2022-07-01 2022-09-01
  2022-11-01 2023-02-01 2023-04-01 2023-05-01 2023-06-01 2023-09-01 2023-11-01 2024-01-01 2024-03-01 2024-05-01 2024-07-01 2024-10-01 2025-01-01 2025-03-01
  2025-05-01 2025-07-01 2025-09-01 2026-01-01 2026-09-01`);

const computeVersions = dates(`
  2015-06-15 2016-03-30 2016-04-30-preview 2017-03-30 2017-09-01 2017-12-01 2018-04-01 2018-06-01 2018-10-01 2019-03-01 2019-04-01 2019-07-01 2019-12-01
  2020-06-01 2020-09-30 2020-12-01 2021-03-01 2021-04-01 2021-07-01 2021-11-01 2022-03-01 2022-03-03 2022-08-01 2022-11-01 2023-03-01 2023-07-01 2023-07-03
  2023-09-01 2023-10-02 2024-03-01 2024-03-02 2024-03-03 2024-07-01 2024-11-01 2025-01-02 2025-04-01 2025-11-01 2025-12-03 2026-03-01 2026-03-02 2026-04-01`);

const everywhere = Object.keys(regions);

/** The providers of the simulated subscription. */
export const providers: Record<string, Provider> = {
  'Microsoft.HardwareSecurityModules': {
    versions: ['2018-10-31-preview', '2021-11-30'],
    types: ['dedicatedHSMs', 'locations', 'locations/operationResults'],
    locations: hsmRegions,
  },
  'Microsoft.Network': {
    versions: networkVersions,
    types: [
      'virtualNetworks',
      'virtualNetworks/subnets',
      'publicIPAddresses',
      'networkSecurityGroups',
      'networkSecurityGroups/securityRules',
      'networkInterfaces',
      'virtualNetworkGateways',
      'locations',
      'locations/operationResults',
      'locations/operations',
    ],
    locations: everywhere,
    more: true,
  },
  'Microsoft.Compute': {
    versions: computeVersions,
    types: [
      'virtualMachines',
      'virtualMachines/runCommands',
      'diskEncryptionSets',
      'images',
      'galleries',
      'galleries/images',
      'galleries/images/versions',
      'sshPublicKeys',
      'skus',
      'locations',
      'locations/operations',
      'locations/publishers',
      'locations/vmSizes',
    ],
    locations: everywhere,
    more: true,
  },
  'Microsoft.Storage': { versions: dates('2023-01-01 2024-01-01 2025-01-01'), types: [], locations: everywhere },
  'Microsoft.MarketplaceOrdering': { versions: dates('2015-06-01 2021-01-01'), types: ['agreements', 'offertypes'], locations: [] },
  'Microsoft.KeyVault': { versions: dates('2022-07-01 2023-07-01 2024-11-01'), types: [], locations: everywhere },
  'Microsoft.Resources': {
    versions: armVersions,
    types: ['tenants', 'subscriptions', 'providers', 'resourceGroups', 'resources', 'deployments', 'deployments/operations'],
    locations: [],
    more: true,
  },
  'Microsoft.Features': { versions: dates('2014-08-01-preview 2015-12-01 2021-07-01'), types: ['features', 'providers'], locations: [] },
  'Microsoft.Authorization': { versions: dates('2015-01-01 2015-06-01 2016-09-01 2017-04-01 2020-05-01'), types: ['locks'], locations: [] },
};

export const namespaces = Object.keys(providers);
const types = namespaces.flatMap((namespace) => providers[namespace]!.types.map((type) => `${namespace}/${type}`));

const named = (names: readonly string[], wanted: string): string | undefined => names.find((known) => known.toLowerCase() === wanted.toLowerCase());

/** The type as Microsoft writes it. */
export const canonicalType = (type: string): string => named(types, type) ?? type;
export const isKnownType = (type: string): boolean => named(types, type) !== undefined;
export const canonicalNamespace = (namespace: string): string | undefined => named(namespaces, namespace);

/** Is a provider spoken to in this version? */
export function speaks(namespace: string, version: string): boolean {
  const { versions, more } = providers[namespace]!;
  return versions.includes(version) || (more === true && /^\d{4}-\d\d-\d\d$/.test(version) && versions[0]! < version && version < versions.at(-1)!);
}
