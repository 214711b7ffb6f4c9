import assert from 'node:assert/strict';
import { type Azure, createAzure } from '../../simulator/azure/azure.ts';
import { createWorld, type RunningWorld } from '../../simulator/create-world.ts';
import { type ArmAnswer, ArmClient } from '../support/arm-client.ts';
import { fixture, haveFixtures } from '../support/fixtures.ts';
import { until } from '../support/until.ts';

/** An exchange with the real Azure, as it was recorded. */
interface Recorded {
  note?: string;
  request: { method: string; url: string; body?: Record<string, unknown> };
  response: { status: number; headers: Record<string, string>; body: { properties: { provisioningState: string } } | null };
}

const recordedIn = (file: string): Recorded[] =>
  fixture(`azure/golden/${file}`)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Recorded);

/** What makes a client poll, and where. */
const polling = ['azure-asyncoperation', 'operation-location', 'location', 'retry-after', 'etag'];

/** A provider is registered at once, a device delivered in 2 seconds and gone in one; nothing else goes faster than in reality, Retry-After above all. */
const durations = { providerRegistration: 0, hsm: 2 / 60, hsmDelete: 1 / 60 };

describe('An HSM’s life at Azure, as it was recorded', function () {
  this.timeout(60_000);
  let world: RunningWorld;
  let azure: Azure;
  let client: ArmClient;
  before(async function () {
    if (!haveFixtures) this.skip();
    world = await createWorld({ timeScale: 1, durations });
    azure = await createAzure(world);
    client = await ArmClient.signIn({ ...azure, ca: azure.caPem, ...azure.credentials });
  });
  after(async () => {
    await azure?.stop();
    await world?.stop();
  });

  /** The same at the simulated Azure: its address and subscription, and the version that is spoken today (the recorded one is refused since 2022). */
  const here = <T>(recorded: T): T =>
    JSON.parse(
      JSON.stringify(recorded)
        .replaceAll('https://management.azure.com', azure.arm)
        .replaceAll('9e223dbe-3399-4e19-88eb-0975f02ac87f', azure.subscriptionId)
        .replaceAll('api-version=2018-10-31', 'api-version=2021-11-30'),
    ) as T;

  /** Everything that stood in the recorded headers stands in these, and nothing makes a client poll that did not then. Notes mark shortened headers. */
  function sameHeaders({ headers }: ArmAnswer, { response, note }: Recorded): void {
    const recorded = Object.keys(response.headers).map((name) => name.toLowerCase());
    assert.deepEqual(
      recorded.filter((name) => !(name in headers)),
      [],
    );
    if (note === undefined)
      assert.deepEqual(
        polling.filter((name) => name in headers),
        polling.filter((name) => recorded.includes(name)),
      );
    for (const name of ['retry-after', 'expires', 'cache-control', 'content-type', 'content-length'])
      if (recorded.includes(name)) assert.equal(headers[name], Object.entries(response.headers).find(([known]) => known.toLowerCase() === name)![1], name);
  }

  /** The network that the recorded bodies speak of, with its gateway. */
  async function network(group: string, subnetId: string): Promise<void> {
    azure.seedGroup(group, 'eastus');
    const [networkId, , subnet] = subnetId.split(/\/(subnets)\//) as [string, string, string];
    await azure.seed(networkId, {
      location: 'eastus',
      properties: {
        addressSpace: { addressPrefixes: ['10.2.0.0/16'] },
        subnets: [
          {
            name: subnet,
            properties: {
              addressPrefix: '10.2.1.0/24',
              delegations: [{ name: 'd', properties: { serviceName: 'Microsoft.HardwareSecurityModules/dedicatedHSMs' } }],
            },
          },
          { name: 'GatewaySubnet', properties: { addressPrefix: '10.2.255.0/26' } },
        ],
      },
    });
    await azure.seed(networkId.replace(/virtualNetworks\/.*$/, 'virtualNetworkGateways/gateway'), {
      location: 'eastus',
      properties: { gatewayType: 'ExpressRoute', ipConfigurations: [{ name: 'c', properties: { subnet: { id: `${networkId}/subnets/GatewaySubnet` } } }] },
    });
  }

  it('is created with the recorded answers: 200 and no address to poll, the states in their order, every body to the letter', async () => {
    await client.send('POST', `/subscriptions/${azure.subscriptionId}/providers/Microsoft.HardwareSecurityModules/register?api-version=2024-03-01`);
    const recorded = here(recordedIn('hsm-create.ndjson'));
    const { request } = recorded[0]!;
    const profile = (request.body!['properties'] as { networkProfile: { subnet: { id: string } } }).networkProfile;
    await network('dedicatedhsm-rg-0br71l', profile.subnet.id);
    const answers = [await client.send(request.method, request.url, request.body)];
    const stateOf = ({ body }: { body: unknown }) => (body as { properties: { provisioningState: string } }).properties.provisioningState;
    const polled = async () => {
      answers.push(await client.send('GET', request.url));
      return stateOf(answers.at(-1)!) === 'Succeeded' || undefined;
    };
    await until('the HSM', polled, { everyMs: 20 });
    const states = (all: { body: unknown }[]) => all.map(stateOf).filter((state, at, list) => state !== list[at - 1]);
    assert.deepEqual(states(answers), states(recorded.map(({ response }) => response)));
    for (const [at, one] of recorded.entries()) {
      const answer = at === 0 ? answers[0]! : answers.slice(1).find((candidate) => stateOf(candidate) === stateOf(one.response))!;
      assert.equal(answer.status, one.response.status);
      assert.equal(JSON.stringify(answer.body), JSON.stringify(one.response.body), 'fields and their order');
      sameHeaders(answer, one);
    }
  });

  it('is deleted with the recorded answers: 202, polls of 202 at an address made of its name, 204', async () => {
    const recorded = recordedIn('hsm-delete.ndjson');
    const [group, name] = ['dedicatedhsm-rg-0br71l', 'hsm-vf2jtw'];
    const id = `/subscriptions/${azure.subscriptionId}/resourceGroups/${group}/providers/Microsoft.HardwareSecurityModules/dedicatedHSMs/${name}`;
    const first = await client.send('DELETE', `${id}?api-version=2021-11-30`);
    const polls = await client.follow(first, 100);
    assert.deepEqual([first.status, ...new Set(polls.map(({ status }) => status))], [202, 202, 204]);
    const tokenOf = (location: string) => Buffer.from(/operationResults\/([^?]+)/.exec(location)![1]!, 'base64url').toString();
    assert.equal(tokenOf(recorded[0]!.response.headers['Location']!), '9E223DBE-3399-4E19-88EB-0975F02AC87F/DEDICATEDHSM-RG-N359CZ/HSM-QODYGZ');
    assert.equal(tokenOf(first.headers['location']!), `${azure.subscriptionId}/${group}/${name}`.toUpperCase());
    assert.equal(
      first.headers['location']!.replace(/operationResults\/.*$/, ''),
      here(recorded[0]!.response.headers['Location']!).replace(/operationResults\/.*$/, ''),
    );
    sameHeaders(first, here(recorded[0]!));
    sameHeaders(polls[0]!, here(recorded[1]!));
    sameHeaders(polls.at(-1)!, here(recorded.at(-1)!));
    for (const { body } of [first, ...polls]) assert.equal(body, undefined);
    assert.equal((await client.send('GET', `${id}?api-version=2021-11-30`)).status, 404);
    assert.equal(world.appliances.size, 0, 'the device is no longer there');
    assert.equal((await client.send('DELETE', `${id}?api-version=2021-11-30`)).status, 204, 'a second time there is nothing to do');
  });
});
