/** Regions with Azure Dedicated HSM (docs/reference/azure.md#regions). */
const dedicatedHsm = {
  public: [
    'eastus',
    'eastus2',
    'westus',
    'westus2',
    'canadaeast',
    'canadacentral',
    'southcentralus',
    'southeastasia',
    'centralindia',
    'southindia',
    'japaneast',
    'japanwest',
    'northeurope',
    'westeurope',
    'uksouth',
    'ukwest',
    'australiaeast',
    'australiasoutheast',
    'switzerlandnorth',
    'switzerlandwest',
  ],
  usgovernment: ['usgovvirginia', 'usgovtexas'],
  china: [],
} as const;

/** The government regions that the runbook allows for CipherTrust Manager. */
const runbookGovernment: readonly string[] = ['usgovarizona', 'usgoviowa', 'usgovvirginia', 'usgovtexas'];

export type Cloud = keyof typeof dedicatedHsm;

/** Everything that speaks against a region, in sentences; nothing when all is well. */
export function regionProblems(cloud: Cloud, region: string): string[] {
  const name = region.toLowerCase().replaceAll(' ', '');
  if (cloud !== 'china' && region !== name && (dedicatedHsm[cloud] as readonly string[]).includes(name)) return [`Write the region ${region} as ${name}.`];
  if (cloud === 'china') return ['There is no Dedicated HSM in Azure China.'];
  const found: string[] = [];
  if (cloud === 'usgovernment' && !runbookGovernment.includes(name))
    found.push('In Azure Government, CipherTrust Manager runs in USGov Arizona, Iowa, Virginia or Texas only.');
  if (!(dedicatedHsm[cloud] as readonly string[]).includes(name))
    found.push(`There is no Dedicated HSM in ${region}; regions that have it: ${dedicatedHsm[cloud].join(', ')}.`);
  return found;
}
