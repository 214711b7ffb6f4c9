import { createHash } from 'node:crypto';
import { canonical } from '../../domain/canonical.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { StepContext } from '../../domain/results.ts';
import { templateParameters } from '../../domain/rules/template.ts';
import { tagsOf, tagsWith } from './tags.ts';

export interface HsmDeployment {
  template: Record<string, unknown>;
  /** The runbook’s four. */
  parameters: Parameters;
  /** SHA-256 over template and parameters: which deployment is ours. */
  hash: string;
}

type Parameters = Record<(typeof templateParameters)[number], { value: string }>;

/** The only one of Dedicated HSM that is a Luna. */
export const hsmSku = 'SafeNet Luna Network HSM A790';

const apiVersions = { network: '2024-01-01', hsm: '2021-11-30' };
const subnetId = (name: string) => `[resourceId('Microsoft.Network/virtualNetworks/subnets',parameters('ExistingVNetName'),${name})]`;

const gateway = [
  {
    type: 'Microsoft.Network/publicIPAddresses',
    apiVersion: apiVersions.network,
    name: "[variables('publicIp')]",
    location: "[variables('location')]",
    sku: { name: 'Standard' },
    properties: { publicIPAllocationMethod: 'Static', publicIPAddressVersion: 'IPv4', idleTimeoutInMinutes: 4 },
  },
  {
    type: 'Microsoft.Network/virtualNetworkGateways',
    apiVersion: apiVersions.network,
    name: "[variables('gateway')]",
    location: "[variables('location')]",
    dependsOn: ["[resourceId('Microsoft.Network/publicIPAddresses',variables('publicIp'))]"],
    properties: {
      gatewayType: 'ExpressRoute',
      sku: { name: 'Standard', tier: 'Standard' },
      ipConfigurations: [
        {
          name: 'gwipconf',
          properties: {
            privateIPAllocationMethod: 'Dynamic',
            subnet: { id: subnetId("'GatewaySubnet'") },
            publicIPAddress: { id: "[resourceId('Microsoft.Network/publicIPAddresses',variables('publicIp'))]" },
          },
        },
      ],
    },
  },
];

/** SHA-256 of a value, whatever the order of its fields. */
export const sha256Of = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex');

/** What the runbook’s parameter file gives. */
export const parametersOf = ({ hsm, network }: ProvisioningRequest): Parameters => ({
  ResourcePrefix: { value: hsm.resourcePrefix },
  ExistingVNetName: { value: network.name },
  ExistingHSMSubnetName: { value: network.hsm.name },
  HSMResourceName: { value: hsm.name },
});

/**
 * Gateway and HSM with the parameters of the runbook’s `Deploy-1HSM-toVNET` template, whose own text Microsoft hands out at onboarding only. Subnets are left
 * alone. Without the gateway where the network has one: an existing gateway must never be touched. The HSM waits for the gateway; their race is the second
 * most frequent cause of failed deployments (docs/reference/azure.md#deployment-template, docs/reference/azure.md#expressroute-gateway). `created` are the tags of this very request, which the HSM carries; the hash is without them, so that a deployment
 * is known again whichever request sent it.
 */
export function hsmDeployment(job: Pick<StepContext, 'target' | 'request'>, withGateway: boolean, created: Record<string, string> = {}): HsmDeployment {
  const parameters = parametersOf(job.request);
  const hash = sha256Of([templateOf(job, withGateway, {}), parameters]);
  return { template: templateOf(job, withGateway, created), parameters, hash };
}

function templateOf(job: Pick<StepContext, 'target' | 'request'>, withGateway: boolean, created: Record<string, string>): HsmDeployment['template'] {
  const { hsm, azure } = job.request;
  return {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    parameters: Object.fromEntries(templateParameters.map((name) => [name, { type: 'string' }])),
    variables: {
      location: azure.region,
      gateway: "[concat(parameters('ResourcePrefix'),'-ergw')]",
      publicIp: "[concat(parameters('ResourcePrefix'),'-ergwpip')]",
    },
    resources: [
      ...(withGateway ? gateway.map((resource) => ({ ...resource, tags: tagsOf(job) })) : []),
      {
        type: 'Microsoft.HardwareSecurityModules/dedicatedHSMs',
        apiVersion: apiVersions.hsm,
        name: "[parameters('HSMResourceName')]",
        location: "[variables('location')]",
        ...(withGateway ? { dependsOn: ["[resourceId('Microsoft.Network/virtualNetworkGateways',variables('gateway'))]"] } : {}),
        sku: { name: hsmSku },
        tags: { ...tagsWith(job, { Environment: 'prod', resourceType: 'Hsm' }), ...created },
        properties: {
          stampId: hsm.stamp ?? 'stamp1',
          networkProfile: {
            subnet: { id: subnetId("parameters('ExistingHSMSubnetName')") },
            ...(hsm.address ? { networkInterfaces: [{ privateIpAddress: hsm.address }] } : {}),
          },
        },
      },
    ],
  };
}
