/** Where the simulated subscription can put things: how a region is shown, and the group that it is in. */
export const regions: Record<string, [shown: string, group: string]> = {
  eastus: ['East US', 'US'],
  eastus2: ['East US 2', 'US'],
  westus: ['West US', 'US'],
  westus2: ['West US 2', 'US'],
  westus3: ['West US 3', 'US'],
  centralus: ['Central US', 'US'],
  northcentralus: ['North Central US', 'US'],
  southcentralus: ['South Central US', 'US'],
  canadaeast: ['Canada East', 'Canada'],
  canadacentral: ['Canada Central', 'Canada'],
  southeastasia: ['Southeast Asia', 'Asia Pacific'],
  centralindia: ['Central India', 'Asia Pacific'],
  southindia: ['South India', 'Asia Pacific'],
  japaneast: ['Japan East', 'Asia Pacific'],
  japanwest: ['Japan West', 'Asia Pacific'],
  northeurope: ['North Europe', 'Europe'],
  westeurope: ['West Europe', 'Europe'],
  uksouth: ['UK South', 'Europe'],
  ukwest: ['UK West', 'Europe'],
  australiaeast: ['Australia East', 'Asia Pacific'],
  australiasoutheast: ['Australia Southeast', 'Asia Pacific'],
  switzerlandnorth: ['Switzerland North', 'Europe'],
  switzerlandwest: ['Switzerland West', 'Europe'],
  usgovvirginia: ['USGov Virginia', 'US Gov'],
  usgovtexas: ['USGov Texas', 'US Gov'],
  usgovarizona: ['USGov Arizona', 'US Gov'],
};

/** Regions that Dedicated HSM was never in. */
const withoutHsm = ['westus3', 'centralus', 'northcentralus', 'usgovarizona'];

export const hsmRegions = Object.keys(regions).filter((region) => !withoutHsm.includes(region));
