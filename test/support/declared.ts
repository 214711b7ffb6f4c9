export const networks = 'Microsoft.Network/virtualNetworks';
export const addresses = 'Microsoft.Network/publicIPAddresses';
/** Where its resource group is. */
export const here = '[resourceGroup().location]';

/** A virtual network, as a template declares it. */
export const network = (more: object = {}) => ({
  type: networks,
  apiVersion: '2024-01-01',
  name: 'net',
  location: here,
  properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] } },
  ...more,
});

/** A public address, as a template declares it. */
export const address = (name: string, more: object = {}) => ({
  type: addresses,
  apiVersion: '2024-01-01',
  name,
  location: here,
  sku: { name: 'Standard' },
  properties: { publicIPAllocationMethod: 'Static' },
  ...more,
});
