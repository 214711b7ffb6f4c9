/** A template as a customer could have it: the runbook’s four parameters, gateway and HSM, written in another order and style than this service’s own. */
export const customerTemplate = () => ({
  $schema: 'https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#',
  contentVersion: '1.1.0.0',
  parameters: {
    ExistingVNetName: { type: 'string', metadata: { description: 'The network that is there' } },
    ExistingHSMSubnetName: { type: 'string' },
    HSMResourceName: { type: 'String', minLength: 3 },
    ResourcePrefix: { type: 'string', maxLength: 40 },
    ErSku: { type: 'string', defaultValue: 'Standard', allowedValues: ['Standard', 'HighPerformance'] },
  },
  variables: {
    network: "[resourceId('Microsoft.Network/virtualNetworks', parameters('ExistingVNetName'))]",
    gatewayName: "[concat(parameters('ResourcePrefix'), '-ergw')]",
  },
  resources: [
    {
      apiVersion: '2021-11-30',
      type: 'Microsoft.HardwareSecurityModules/dedicatedHSMs',
      name: "[parameters('HSMResourceName')]",
      location: '[resourceGroup().location]',
      dependsOn: ["[concat('Microsoft.Network/virtualNetworkGateways/', variables('gatewayName'))]"],
      tags: { resourceType: 'Hsm', environment: 'prod' },
      sku: { name: 'SafeNet Luna Network HSM A790' },
      properties: {
        stampId: 'stamp1',
        networkProfile: { subnet: { id: "[concat(variables('network'), '/subnets/', parameters('ExistingHSMSubnetName'))]" } },
      },
    },
    {
      apiVersion: '2024-01-01',
      type: 'Microsoft.Network/publicIPAddresses',
      name: "[concat(parameters('ResourcePrefix'), '-ergwpip')]",
      location: '[resourceGroup().location]',
      sku: { name: 'Standard' },
      properties: { publicIPAllocationMethod: 'Static' },
    },
    {
      apiVersion: '2024-01-01',
      type: 'Microsoft.Network/virtualNetworkGateways',
      name: "[variables('gatewayName')]",
      location: '[resourceGroup().location]',
      dependsOn: ["[resourceId('Microsoft.Network/publicIPAddresses', concat(parameters('ResourcePrefix'), '-ergwpip'))]"],
      properties: {
        gatewayType: 'ExpressRoute',
        sku: { name: "[parameters('ErSku')]", tier: "[parameters('ErSku')]" },
        ipConfigurations: [
          {
            name: 'gwipconf',
            properties: {
              privateIPAllocationMethod: 'Dynamic',
              subnet: { id: "[concat(variables('network'), '/subnets/GatewaySubnet')]" },
              publicIPAddress: { id: "[resourceId('Microsoft.Network/publicIPAddresses', concat(parameters('ResourcePrefix'), '-ergwpip'))]" },
            },
          },
        ],
      },
    },
  ],
});
