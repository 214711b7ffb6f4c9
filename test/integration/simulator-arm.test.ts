import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Azure, createAzure } from '../../simulator/azure/azure.ts';
import { createWorld, type RunningWorld } from '../../simulator/create-world.ts';
import { readyHsm } from '../../simulator/ready-hsm.ts';
import { type ArmAnswer, ArmClient, exchange } from '../support/arm-client.ts';
import { everything, foreignClients } from '../support/foreign-clients.ts';

interface Refusal {
  error: { code: string; message: string };
}
interface Page {
  value: { name: string }[];
  nextLink?: string;
}

const group = 'Luna_kylo_rg';

/** What ARM says at its front door, to whoever speaks HTTP. */
describe('The simulated Azure Resource Manager', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'hsm-arm-'));
  const capture = join(folder, 'capture.ndjson');
  const variants: Record<string, string> = {};
  let world: RunningWorld;
  let azure: Azure;
  let client: ArmClient;
  let sub: string;
  before(async () => {
    world = await createWorld({ timeScale: 60_000, variants });
    azure = await createAzure(world, 0, capture);
    await readyHsm(world, azure);
    client = await ArmClient.signIn({ ...azure, ca: azure.caPem, ...azure.credentials });
    sub = `/subscriptions/${azure.subscriptionId}`;
  });
  after(async () => {
    await azure.stop();
    await world.stop();
    rmSync(folder, { recursive: true });
  });

  const refused = async (method: string, path: string, body?: object): Promise<[status: number, code: string, message: string]> => {
    const { status, body: answer } = await client.send<Refusal>(method, path, body);
    return [status, answer.error.code, answer.error.message];
  };
  const network = () => `${sub}/resourceGroups/${group}/providers/Microsoft.Network`;
  const hsm = () => `${sub}/resourceGroups/${group}/providers/Microsoft.HardwareSecurityModules/dedicatedHSMs/kylo-luna-hsm`;

  describe('tells who knows nothing but its address', () => {
    const metadata = (query: string, path = '/metadata/endpoints') => exchange<Record<string, unknown>>(`${azure.arm}${path}${query}`, azure.caPem);

    it('the few endpoints of the first version', async () => {
      const { status, body } = await metadata('?api-version=2015-01-01');
      assert.equal(status, 200);
      for (const name of ['galleryEndpoint', 'graphEndpoint', 'portalEndpoint']) assert.equal(body[name], azure.arm, name);
      assert.deepEqual(body['authentication'], {
        loginEndpoint: azure.authority,
        audiences: [
          azure.arm,
          'https://management.azure.com',
          'https://management.core.windows.net',
          'https://management.usgovcloudapi.net',
          'https://management.core.usgovcloudapi.net',
        ],
      });
    });

    it('a list of clouds in 2019, one cloud since 2022, with everything that Azure CLI and Terraform take from it', async () => {
      const { body: list } = await metadata('?api-version=2019-05-01');
      const { body: cloud } = await metadata('?API-Version=2022-09-01', '/Metadata/Endpoints');
      assert.deepEqual(list, [cloud]);
      const authentication = cloud['authentication'] as Record<string, unknown>;
      // Anything else is taken for an Azure Stack.
      assert.deepEqual([authentication['tenant'], authentication['identityProvider'], authentication['loginEndpoint']], ['common', 'AAD', azure.authority]);
      assert.equal(cloud['resourceManager'], `${azure.arm}/`);
      for (const name of [
        'name',
        'portal',
        'graph',
        'graphAudience',
        'microsoftGraphResourceId',
        'batch',
        'media',
        'gallery',
        'sqlManagement',
        'vmImageAliasDoc',
      ])
        assert.equal(typeof cloud[name], 'string', name);
      const suffixes = cloud['suffixes'] as Record<string, string>;
      for (const name of ['keyVaultDns', 'storage', 'mhsmDns', 'acrLoginServer', 'sqlServerHostname', 'attestationEndpoint'])
        assert.match(suffixes[name]!, /^[a-z]+\.localhost$/, name);
    });

    it('nothing without a version', async () => {
      for (const [query, code] of [
        ['', 'MissingApiVersionParameter'],
        ['?api-version=newest', 'InvalidApiVersionParameter'],
      ] as const) {
        const { status, body } = await metadata(query);
        assert.deepEqual([status, (body as unknown as Refusal).error.code], [400, code]);
      }
    });
  });

  describe('wants', () => {
    it('a version that the provider knows, and says which there are as each of them does', async () => {
      assert.deepEqual(await refused('GET', `${sub}/resourcegroups`), [
        400,
        'MissingApiVersionParameter',
        'The api-version query parameter (?api-version=) is required for all requests.',
      ]);
      const [status, code, message] = await refused('GET', `${sub}/resourcegroups?api-version=2099-01-01`);
      assert.deepEqual([status, code], [400, 'InvalidApiVersionParameter']);
      assert.match(message, /^The api-version '2099-01-01' is invalid\. The supported versions are '2026-06-01,2025-04-01,.*,2015-01-01,2014-04-01'\.$/);
      const vnet = await refused('GET', `${network()}/virtualNetworks/Luna_kylo_vnet?api-version=2012-01-01`);
      assert.deepEqual(vnet.slice(0, 2), [400, 'NoRegisteredProviderFound']);
      assert.match(
        vnet[2],
        /^No registered resource provider found for location 'westus2' and API version '2012-01-01' for type 'virtualNetworks'\. The supported api-versions are '2015-06-15, .*'\. The supported locations are 'eastus, .*'\.$/,
      );
      const lists = await refused('GET', `${network()}/virtualNetworks?api-version=latest`);
      assert.deepEqual(lists.slice(0, 2), [404, 'InvalidResourceType']);
      assert.match(
        lists[2],
        /^The resource type 'virtualNetworks' could not be found in the namespace 'Microsoft\.Network' for api version 'latest'\. The supported api-versions are '/,
      );
      // As it was reported when this version was given up.
      assert.deepEqual(await refused('GET', `${hsm()}?api-version=2018-10-31`), [
        404,
        'InvalidResourceType',
        "The resource type could not be found in the namespace 'Microsoft.HardwareSecurityModules' for api version '2018-10-31'.",
      ]);
    });

    it('a subscription, a provider and a type that there are', async () => {
      const stranger = randomUUID();
      for (const [path, status, code, message] of [
        [`/subscriptions/${stranger}/resourcegroups`, 404, 'SubscriptionNotFound', `The subscription '${stranger}' could not be found.`],
        ['/subscriptions/mine/resourcegroups', 400, 'InvalidSubscriptionId', "The provided subscription identifier 'mine' is malformed or invalid."],
        [`${sub}/providers/Microsoft.Nothing/things`, 404, 'InvalidResourceNamespace', "The resource namespace 'Microsoft.Nothing' is invalid."],
        [
          `${sub}/providers/Microsoft.Network/things`,
          404,
          'InvalidResourceType',
          "The resource type 'things' could not be found in the namespace 'Microsoft.Network' for api version '2024-01-01'.",
        ],
        [`${sub}/resourcegroups/nowhere`, 404, 'ResourceGroupNotFound', "Resource group 'nowhere' could not be found."],
        [
          `${network()}/networkInterfaces/none`,
          404,
          'ResourceNotFound',
          `The Resource 'Microsoft.Network/networkInterfaces/none' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
        ],
      ] as const)
        assert.deepEqual(await refused('GET', `${path}?api-version=2024-01-01`.replace(/(resourcegroups[^?]*)\?.*/, '$1?api-version=2021-04-01')), [
          status,
          code,
          message,
        ]);
    });

    it('a method that is meant for what is there', async () => {
      for (const [method, path] of [
        ['POST', `${sub}/resourcegroups`],
        ['DELETE', `${sub}/providers/Microsoft.Network/virtualNetworks`],
        ['PATCH', `${network()}/virtualNetworks/Luna_kylo_vnet/subnets/Compute`],
        ['POST', `${network()}/virtualNetworks/Luna_kylo_vnet/restart`],
        ['PUT', `${sub}/resourcegroups/${group}/providers/Microsoft.Resources/deployments/d/operations`],
      ] as const) {
        const version = path.includes('Microsoft.Network') ? '2024-01-01' : '2021-04-01';
        const [status, code, message] = await refused(method, `${path}?api-version=${version}`, method === 'DELETE' ? undefined : {});
        assert.deepEqual([status, code], [405, 'MethodNotAllowed'], `${method} ${path}`);
        assert.match(message, new RegExp(`^The HTTP method '${method}' is not supported on the resource 'https://`));
      }
    });

    it('no lock at what is to be changed, above it or, for a deletion, below it', async () => {
      const lock = `${network()}/virtualNetworks/Luna_kylo_vnet/providers/Microsoft.Authorization/locks/keep?api-version=2016-09-01`;
      assert.equal((await refused('PUT', lock, { properties: { level: 'Never' } }))[0], 400);
      const made = await client.send('PUT', lock, { properties: { level: 'CanNotDelete', notes: 'an HSM hangs on it' } });
      assert.deepEqual([made.status, (await client.send('PUT', lock, { properties: { level: 'CanNotDelete' } })).status], [201, 200]);
      for (const path of [`${network()}/virtualNetworks/Luna_kylo_vnet`, `${network()}/virtualNetworks/LUNA_KYLO_VNET/subnets/Compute`]) {
        const [status, code, message] = await refused('DELETE', `${path}?api-version=2024-01-01`);
        assert.deepEqual([status, code], [409, 'ScopeLocked']);
        assert.equal(
          message,
          `The scope '${path}' cannot perform delete operation because following scope(s) are locked: '${network()}/virtualNetworks/Luna_kylo_vnet'. Please remove the lock and try again.`,
        );
      }
      const whole = `${sub}/resourcegroups/${group}?api-version=2021-04-01`;
      assert.equal((await refused('DELETE', whole))[1], 'ScopeLocked');
      assert.equal((await client.send('GET', whole)).status, 200, 'nothing was begun');
      const spare = `${network()}/virtualNetworks/Luna_kylo_vnet/subnets/spare?api-version=2024-01-01`;
      assert.equal((await client.send('PUT', spare, { properties: { addressPrefix: '172.22.9.0/24' } })).status, 201, 'it forbids deletion alone');
      const listed = await client.send<Page>('GET', `${sub}/resourcegroups/${group}/providers/Microsoft.Authorization/locks?api-version=2016-09-01`);
      assert.deepEqual(
        listed.body.value.map(({ name }) => name),
        ['keep'],
      );
      assert.equal((await client.send('PUT', lock, { properties: { level: 'ReadOnly' } })).status, 200);
      assert.match((await refused('PUT', spare, { properties: { addressPrefix: '172.22.9.0/25' } }))[2], /cannot perform write operation/);
      assert.deepEqual([(await client.send('DELETE', lock)).status, (await client.send('DELETE', lock)).status], [200, 204]);
      assert.equal((await refused('GET', lock))[0], 404);
      assert.equal((await client.send('DELETE', spare)).status, 202);
    });
  });

  it('takes paths, types and names in any letters, with a slash too many, and keeps the letters that a resource was made with', async () => {
    const path = `//SUBSCRIPTIONS/${azure.subscriptionId.toUpperCase()}/ResourceGroups/LUNA_KYLO_RG/Providers/microsoft.NETWORK/VIRTUALnetworks/luna_kylo_VNET/?Api-Version=2024-01-01`;
    const { status, body } = await client.send<{ id: string; type: string }>('GET', `${azure.arm}${path}`);
    assert.deepEqual([status, body.id, body.type], [200, `${network()}/virtualNetworks/Luna_kylo_vnet`, 'Microsoft.Network/virtualNetworks']);
    const made = await client.send<{ type: string }>(
      'PUT',
      `${sub}/resourcegroups/luna_kylo_RG/providers/MICROSOFT.network/NETWORKSECURITYGROUPS/Mixed?api-version=2024-01-01`,
      { location: 'westus2' },
    );
    assert.deepEqual([made.status, made.body.type], [201, 'Microsoft.Network/networkSecurityGroups']);
    const heads = await Promise.all(
      [group.toUpperCase(), 'nowhere'].map((name) => client.send('HEAD', `${sub}/RESOURCEGROUPS/${name}?api-version=2021-04-01`)),
    );
    assert.deepEqual(
      heads.map(({ status: head, body: nothing }) => [head, nothing]),
      [
        [204, undefined],
        [404, undefined],
      ],
    );
  });

  it('takes values in any letters, and shows them as Microsoft writes them', async () => {
    const rule = { priority: 200, direction: 'inbound', access: 'allow', protocol: 'tcp', sourceAddressPrefix: '*', sourcePortRange: '*' };
    const path = `${network()}/networkSecurityGroups/Opened/securityRules/open-port-443?api-version=2024-01-01`;
    await client.send('PUT', `${network()}/networkSecurityGroups/Opened?api-version=2024-01-01`, { location: 'westus2' });
    const { body: opened } = await client.send<{ properties: Record<string, string> }>('PUT', path, {
      properties: { ...rule, destinationAddressPrefix: '*', destinationPortRange: '443' },
    });
    assert.deepEqual(
      ['direction', 'access', 'protocol'].map((name) => opened.properties[name]),
      ['Inbound', 'Allow', 'Tcp'],
    );
    const machine = `${sub}/resourceGroups/${group}/providers/Microsoft.Compute/virtualMachines/lunaclient?api-version=2024-03-01`;
    const { body: found } = await client.send<{ location: string; properties: { storageProfile: object } }>('GET', machine);
    const storageProfile = {
      imageReference: { publisher: 'microsoftWINDOWSdesktop', offer: 'windows-10', sku: 'WIN10-22h2-pro-g2', version: 'latest' },
      osDisk: { createOption: 'fromImage' },
    };
    const { body: changed } = await client.send<typeof found>('PUT', machine, { ...found, properties: { ...found.properties, storageProfile } });
    assert.match(JSON.stringify(changed.properties.storageProfile), /"createOption":"FromImage"/);
  });

  it('gives a page of every list when it is asked to, and the same in all', async () => {
    const [groupPath, compute] = [`${sub}/resourcegroups/${group}`, `${sub}/resourceGroups/${group}/providers/Microsoft.Compute`];
    await client.send('PUT', `${groupPath}/providers/Microsoft.Authorization/locks/one?api-version=2016-09-01`, { properties: { level: 'CanNotDelete' } });
    const securityRules = ['a', 'b'].map((name, at) => ({ name, properties: { priority: 100 + at, direction: 'Inbound', access: 'Deny', protocol: '*' } }));
    await client.send('PUT', `${network()}/networkSecurityGroups/listed?api-version=2024-01-01`, { location: 'westus2', properties: { securityRules } });
    for (const name of ['d1', 'd2'])
      await client.send('PUT', `${groupPath}/providers/Microsoft.Resources/deployments/${name}?api-version=2021-04-01`, {
        properties: { mode: 'Incremental', template: { $schema: '2019-04-01/deploymentTemplate.json#', contentVersion: '1.0.0.0', resources: [] } },
      });
    for (const [path, version] of [
      ['/tenants', '2022-12-01'],
      ['/subscriptions', '2022-12-01'],
      [`${sub}/locations`, '2022-12-01'],
      [`${sub}/resourcegroups`, '2021-04-01'],
      [`${sub}/resources`, '2021-04-01'],
      [`${groupPath}/resources`, '2021-04-01'],
      [`${sub}/providers`, '2021-04-01'],
      [`${sub}/providers/Microsoft.Features/features`, '2021-07-01'],
      [`${sub}/providers/Microsoft.Authorization/locks`, '2016-09-01'],
      [`${groupPath}/providers/Microsoft.Resources/deployments`, '2021-04-01'],
      [`${groupPath}/deployments/d1/operations`, '2021-04-01'],
      [`${sub}/providers/Microsoft.Compute/skus`, '2021-07-01'],
      [`${compute}/virtualMachines`, '2024-03-01'],
      [`${compute}/virtualMachines/lunaclient/runCommands`, '2024-03-01'],
      [`${network()}/virtualNetworks`, '2024-01-01'],
      [`${network()}/virtualNetworks/Luna_kylo_vnet/subnets`, '2024-01-01'],
      [`${network()}/networkSecurityGroups`, '2024-01-01'],
      [`${network()}/networkSecurityGroups/listed/securityRules`, '2024-01-01'],
      [`${network()}/networkInterfaces`, '2024-01-01'],
      [`${network()}/publicIPAddresses`, '2024-01-01'],
      [`${network()}/virtualNetworkGateways`, '2024-01-01'],
      [`${sub}/providers/Microsoft.HardwareSecurityModules/dedicatedHSMs`, '2021-11-30'],
    ] as const) {
      const whole = await client.send<Page>('GET', `${path}?api-version=${version}`);
      assert.deepEqual([whole.status, whole.body.nextLink], [200, undefined], path);
      const paged: object[] = [];
      for (let next: string | undefined = `${azure.arm}${path}?api-version=${version}&$top=1`; next !== undefined; ) {
        const { body }: ArmAnswer<Page> = await client.send<Page>('GET', next);
        assert.ok(body.value.length <= 1, `${path}: one a page`);
        paged.push(...body.value);
        next = body.nextLink;
      }
      assert.deepEqual(paged, whole.body.value, path);
    }
    await client.send('DELETE', `${groupPath}/providers/Microsoft.Authorization/locks/one?api-version=2016-09-01`);
  });

  it('names every request, gives back the client’s own name for it, and counts', async () => {
    const name = randomUUID();
    const send = () => client.send('GET', `${sub}/resourcegroups?api-version=2021-04-01`, undefined, { 'x-ms-client-request-id': name });
    const [first, second] = [await send(), await send()];
    const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
    for (const { headers } of [first, second]) {
      assert.match(headers['x-ms-request-id']!, guid);
      assert.match(headers['x-ms-correlation-request-id']!, guid);
      assert.match(headers['x-ms-routing-request-id']!, new RegExp(`^[A-Z0-9]+:\\d{8}T\\d{6}Z:${headers['x-ms-correlation-request-id']}$`));
      assert.equal(headers['x-ms-client-request-id'], name);
    }
    assert.notEqual(first.headers['x-ms-request-id'], second.headers['x-ms-request-id']);
    const tenants = await client.send('GET', '/tenants?api-version=2022-12-01');
    assert.ok(Number(tenants.headers['x-ms-ratelimit-remaining-tenant-reads']) > 0);
    assert.equal(tenants.headers['x-ms-ratelimit-remaining-subscription-reads'], undefined);
  });

  it('gives whole addresses for everything that is to be asked for later', async () => {
    const made = await client.send('PUT', `${network()}/publicIPAddresses/later?api-version=2024-01-01`, { location: 'westus2' });
    const gone = await client.send('DELETE', `${network()}/publicIPAddresses/later?api-version=2024-01-01`);
    const page = await client.send<Page>('GET', `${sub}/resources?api-version=2021-04-01&$top=2&$filter=location eq 'westus2'`);
    const addresses = [made.headers['azure-asyncoperation'], gone.headers['azure-asyncoperation'], gone.headers['location'], page.body.nextLink];
    for (const address of addresses) assert.ok(address?.startsWith(`${azure.arm}/subscriptions/`), address);
    assert.equal(new URL(page.body.nextLink!).searchParams.get('$filter'), "location eq 'westus2'");
    assert.equal((await client.send('GET', gone.headers['azure-asyncoperation']!)).body['status'], 'Succeeded');
    assert.equal((await client.send('GET', gone.headers['location']!)).status, 204);
    assert.equal((await client.send<Page>('GET', page.body.nextLink!)).body.value.length, 2);
  });

  it('reads a template as Azure CLI sends it, comments and all, and what was secret in it is neither shown nor kept', async () => {
    const text = `{"properties": {"parameters": {"key": {"value": "Secret-in-a-file"}}, "mode": "Incremental", template:{
  // As in the file.
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": { "key": { "type": "securestring" }, },
  "variables": { 'long': "[concat('a',
     'b')]" },
  "resources": [],
  "outputs": { "joined": { "type": "string", "value": "[variables('long')]" } }
}}}`;
    const path = `${sub}/resourcegroups/${group}/providers/Microsoft.Resources/deployments/typed?api-version=2024-11-01`;
    const headers = { authorization: client.authorization, 'content-type': 'application/json' };
    const put = await exchange<Refusal>(`${azure.arm}${path}`, azure.caPem, { method: 'PUT', headers, body: text });
    assert.equal(put.status, 201, JSON.stringify(put.body));
    const told: ArmAnswer<{ properties: { outputs?: object } }>[] = [];
    do told.push(await client.send('GET', path));
    while (!told.at(-1)!.body.properties.outputs);
    assert.deepEqual(told.at(-1)!.body.properties.outputs, { joined: { type: 'String', value: 'ab' } });
    const kept = readFileSync(capture, 'utf8');
    assert.ok(kept.includes('deployments/typed'));
    for (const place of [JSON.stringify(put.body), JSON.stringify(told), kept, JSON.stringify(world.requestLog.entries)])
      assert.ok(!place.includes('Secret-in-a-file'));
    const broken = await exchange<Refusal>(`${azure.arm}${path}`, azure.caPem, { method: 'PUT', headers, body: '{"properties": ' });
    assert.deepEqual([broken.status, broken.body.error.code], [400, 'InvalidRequestContent']);
  });

  it('refuses to delete an HSM that is not zeroized, at once or in the end, and deletes it when it is', async () => {
    const { state } = world.appliances.get('172.22.1.4')!;
    const path = `${hsm()}?api-version=2021-11-30`;
    const stateNow = async () => (await client.send<{ properties: { provisioningState: string } }>('GET', path)).body.properties.provisioningState;
    const deleted = async () => {
      const first = await client.send('DELETE', path);
      const last = [first, ...(await client.follow(first))].at(-1)! as unknown as ArmAnswer<Refusal | undefined>;
      return [first.status, last.status, last.body?.error.code];
    };
    state.hsm.zeroized = false;
    assert.deepEqual([await deleted(), await stateNow()], [[409, 409, 'Conflict'], 'Succeeded']);
    variants['azure.hsmNotZeroized'] = 'failed';
    assert.deepEqual([await deleted(), await stateNow()], [[202, 409, 'Conflict'], 'Failed']);
    assert.equal(world.appliances.get('172.22.1.4')?.state, state, 'the device with its keys is still there');
    state.hsm.zeroized = true;
    assert.deepEqual(await deleted(), [202, 204, undefined]);
    assert.equal(world.appliances.size, 0);
  });
});

describe('A simulated Azure with few requests left', () => {
  it('refuses with the time to wait, which Microsoft’s client waits, and takes them again', async () => {
    // Four reads an hour, which takes a second.
    const world = await createWorld({ timeScale: 3600, variants: { 'azure.requestsPerHour': '4,1200,15000' } });
    const azure = await createAzure(world);
    try {
      azure.seedGroup('one', 'westus2');
      const { resourceGroups } = foreignClients(azure).resources;
      const throttled = () => world.requestLog.entries.filter(({ detail }) => detail === 'SubscriptionRequestsThrottled').length;
      for (let times = 0; throttled() === 0; times++) {
        assert.ok(times < 100, 'no request is ever refused');
        await Promise.all(Array.from({ length: 5 }, async () => assert.equal((await everything(resourceGroups.list())).items.length, 1)));
      }
    } finally {
      await azure.stop();
      await world.stop();
    }
  });
});
