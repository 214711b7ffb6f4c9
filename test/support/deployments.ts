import { randomUUID } from 'node:crypto';
import { type Azure, createAzure } from '../../simulator/azure/azure.ts';
import { createWorld, type RunningWorld } from '../../simulator/create-world.ts';
import { type ArmAnswer, ArmClient } from './arm-client.ts';
import { until } from './until.ts';

export interface ArmError {
  code: string;
  message: string;
  target?: string;
  details?: ArmError[];
  additionalInfo?: { type: string; info: { path: string } }[];
}

interface Properties {
  provisioningState: string;
  outputs?: Record<string, { type: string; value?: unknown }>;
  outputResources?: { id: string }[];
  validatedResources?: { id: string }[];
  dependencies: { resourceName: string; dependsOn: { resourceName: string }[] }[];
  parameters: Record<string, { type: string; value?: unknown }>;
  error?: ArmError;
}

export interface Change {
  resourceId: string;
  changeType: string;
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
  delta?: Record<string, unknown>[];
}

type Parameters = Record<string, unknown>;

/** What ARM wants of every template. */
export const aTemplate = (parts: object) => ({
  $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
  contentVersion: '1.0.0.0',
  resources: [],
  ...parts,
});

/** Templates at a simulated Azure, sent by a client that knows nothing but HTTP. */
export class DeploymentBench {
  readonly world: RunningWorld;
  readonly #azure: Azure;
  readonly client: ArmClient;

  static async start(): Promise<DeploymentBench> {
    // A subnet takes so long that no other can be put in the same moment.
    const world = await createWorld({ timeScale: 60_000, durations: { subnet: 100 } });
    const azure = await createAzure(world);
    const client = await ArmClient.signIn({ ...azure, ca: azure.caPem, ...azure.credentials });
    await client.send('POST', `/subscriptions/${azure.subscriptionId}/providers/Microsoft.HardwareSecurityModules/register?api-version=2021-04-01`);
    return new DeploymentBench(world, azure, client);
  }

  constructor(world: RunningWorld, azure: Azure, client: ArmClient) {
    this.world = world;
    this.#azure = azure;
    this.client = client;
  }

  async stop(): Promise<void> {
    await this.#azure.stop();
    await this.world.stop();
  }

  /** A resource group of its own, by its id. */
  async group(tags = {}): Promise<string> {
    const id = `/subscriptions/${this.#azure.subscriptionId}/resourceGroups/group-${randomUUID()}`;
    await this.client.send('PUT', `${id}?api-version=2021-04-01`, { location: 'westus2', tags });
    return id;
  }

  read<T = Record<string, unknown>>(id: string, apiVersion = '2024-01-01'): Promise<ArmAnswer<T>> {
    return this.client.send<T>('GET', `${id}?api-version=${apiVersion}`);
  }

  send<T>(group: string, method: string, action: string, template: object, given: Parameters, more: object = {}): Promise<ArmAnswer<T>> {
    const parameters = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, { value }]));
    const properties = { mode: 'Incremental', template, parameters, ...more };
    return this.client.send(method, `${group}/providers/Microsoft.Resources/deployments/d${action}?api-version=2024-03-01`, { properties });
  }

  /** Sends a template and follows it to its end. */
  async deploy(group: string, template: object, given: Parameters = {}): Promise<Properties> {
    const sent = await this.send<{ error?: ArmError }>(group, 'PUT', '', template, given);
    if (sent.status >= 300) throw new Error(`${sent.status} ${JSON.stringify(sent.body)}`);
    await until('the deployment’s end', async () => {
      const { body } = await this.client.send<{ status: string }>('GET', sent.headers['azure-asyncoperation']!);
      return ['Succeeded', 'Failed'].includes(body.status) || undefined;
    });
    return (await this.read<{ properties: Properties }>(`${group}/providers/Microsoft.Resources/deployments/d`, '2024-03-01')).body.properties;
  }

  /** How validation, and the deployment itself, refuse a template. */
  async refusal(template: object, given: Parameters = {}, more: object = {}): Promise<ArmError> {
    const group = await this.group();
    const validated = await this.send<{ error: ArmError }>(group, 'POST', '/validate', template, given, more);
    const sent = await this.send<{ error: ArmError }>(group, 'PUT', '', template, given, more);
    const there = await this.read(`${group}/providers/Microsoft.Resources/deployments/d`, '2024-03-01');
    if (validated.status !== 400 || sent.status !== 400 || there.status !== 404)
      throw new Error(`it is not refused: ${validated.status} ${sent.status} ${there.status} ${JSON.stringify(validated.body)}`);
    const { code, message } = sent.body.error;
    const blind = (text: string) => text.replace(/tracking id is '[^']+'/, '');
    if (code !== validated.body.error.code || blind(message) !== blind(validated.body.error.message)) throw new Error(`both differ: ${message}`);
    return validated.body.error;
  }

  async whatIf(group: string, template: object, given: Parameters = {}, more: object = {}): Promise<Change[]> {
    const asked = await this.send<Record<string, unknown>>(group, 'POST', '/whatIf', template, given, more);
    const [answer] = await this.client.follow(asked);
    return (answer!.body as unknown as { properties: { changes: Change[] } }).properties.changes;
  }
}
