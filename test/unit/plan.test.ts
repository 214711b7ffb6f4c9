import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { targetId } from '../../api/target.ts';
import { criticalPath, plan, predecessorsOf } from '../../domain/plan.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { rsaBits } from '../../domain/rules/ssh-key.ts';
import { type StepId, step, stepIds } from '../../domain/steps.ts';
import { publicLine } from '../../systems/ssh/private-key.ts';

const examples = new URL('../../examples/', import.meta.url);
const example = (name = 'luna-kylo.json'): ProvisioningRequest => JSON.parse(readFileSync(new URL(name, examples), 'utf8'));
const brokenBy = (change: (request: ProvisioningRequest) => void): string[] => {
  const request = example();
  change(request);
  const planned = plan(request);
  return planned.ok ? [] : planned.broken.map(({ path }) => path);
};

describe('The plan', () => {
  for (const name of readdirSync(examples))
    it(`takes ${name}`, () => assert.deepEqual(plan(example(name)), { ok: true, plan: (plan(example(name)) as { plan: object }).plan }));

  it('names what is created, what is destroyed and how long it takes', () => {
    const planned = plan(example());
    assert.ok(planned.ok);
    const names = planned.plan.creates.map(({ name }) => name);
    for (const name of [
      'Luna_kylo_rg',
      'Luna_kylo_vnet',
      'Luna_kylo_HSM_subnet',
      'GatewaySubnet',
      'HSMLuna-ergw',
      'HSMLuna-ergwpip',
      'kylo-luna-hsm',
      'luna_part',
      'lunaclient',
      'mycompany-ciphertrust',
    ])
      assert.ok(names.includes(name), name);
    assert.equal(planned.plan.destroys.length, 2);
    assert.ok(planned.plan.criticalPath.includes('deploy-hsm') && !planned.plan.criticalPath.includes('ciphertrust-vm'));
  });

  it('shows what was asked for: sizes, disks, tags, no public address', () => {
    const request = example();
    const encryptionSet = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/our-keys';
    request.lunaClient.disk = { type: 'StandardSSD_LRS', encryptionSet };
    request.azure.access = 'private';
    const planned = plan(request);
    assert.ok(planned.ok);
    const detail = (name: string) => planned.plan.creates.find((thing) => thing.name === name)?.detail ?? '';
    assert.match(detail('Luna_kylo_rg'), /Environment=prod/);
    assert.match(detail('lunaclient'), /Standard_D2s_v3, StandardSSD_LRS encrypted with our-keys/);
    assert.match(detail('mycompany-ciphertrust'), /Standard_F4s_v2, Standard HDD/);
    assert.deepEqual(
      planned.plan.creates.filter(({ kind }) => kind === 'public address').map(({ name }) => name),
      ['HSMLuna-ergwpip'],
    );
  });

  for (const trap of [
    /31 July 2028/,
    /no longer onboarded/,
    /Basic.*31 March 2027/,
    /KB0019789 before any reboot/,
    /Never delete a resource group that holds an HSM/,
  ])
    it(`warns of a trap: ${trap.source}`, () => {
      for (const name of readdirSync(examples)) {
        const planned = plan(example(name));
        assert.ok(planned.ok && planned.plan.warnings.some((warning) => trap.test(warning)), name);
      }
    });

  it('leaves out the approval and what it is for where FIPS mode is not wanted', () => {
    const planned = plan(example('without-fips.json'));
    assert.ok(planned.ok);
    assert.ok(!planned.plan.steps.some(({ id }) => id === 'approve-zeroize' || id === 'fips-mode'));
    assert.equal(planned.plan.destroys.length, 1);
  });

  const rules: [what: string, path: string, change: (request: ProvisioningRequest) => void][] = [
    ['a region without Dedicated HSM', '/azure/region', ({ azure }) => void (azure.region = 'norwayeast')],
    ['China', '/azure/region', ({ azure }) => Object.assign(azure, { cloud: 'china', region: 'chinaeast2' })],
    [
      'a government region with CipherTrust Manager but no HSM',
      '/azure/region',
      ({ azure }) => Object.assign(azure, { cloud: 'usgovernment', region: 'usgovarizona' }),
    ],
    ['doors for everybody', '/azure/adminSources/0', ({ azure }) => void (azure.adminSources = ['0.0.0.0/0'])],
    ['a source that is none', '/azure/adminSources/0', ({ azure }) => void (azure.adminSources = ['somewhere'])],
    [
      'overlapping subnets',
      '/network/hsm/range',
      ({ network, hsm }) => {
        network.hsm.range = '172.22.0.128/25';
        delete hsm.address;
      },
    ],
    ['a subnet outside', '/network/gateway/range', ({ network }) => void (network.gateway.range = '10.0.0.0/26')],
    ['a GatewaySubnet that is too small', '/network/gateway/range', ({ network }) => void (network.gateway.range = '172.22.255.0/28')],
    ['bits right of the prefix', '/network/compute/range', ({ network }) => void (network.compute.range = '172.22.0.1/24')],
    ['an address that Azure keeps', '/lunaClient/address', ({ lunaClient }) => void (lunaClient.address = '172.22.0.3')],
    ['an address outside its subnet', '/hsm/address', ({ hsm }) => void (hsm.address = '172.22.0.9')],
    ['one address for two', '/cipherTrust/address', ({ cipherTrust, lunaClient }) => void (cipherTrust.address = lunaClient.address)],
    ['an HSM name that is too short', '/hsm/name', ({ hsm }) => void (hsm.name = 'ab')],
    ['a label that begins with a digit', '/hsm/label', ({ hsm }) => void (hsm.label = '1st')],
    ['a partition name with a space', '/hsm/partition/name', ({ hsm }) => void (hsm.partition.name = 'my part')],
    ['a partition that is larger than the HSM', '/hsm/partition/sizeBytes', ({ hsm }) => void (hsm.partition.sizeBytes = 2 ** 30)],
    ['a Windows name that is too long', '/lunaClient/vmName', ({ lunaClient }) => void (lunaClient.vmName = 'a-very-long-computer-name')],
    ['an installer over http', '/lunaClient/installer/url', ({ lunaClient }) => void (lunaClient.installer.url = 'http://example.com/x.exe')],
    [
      'an installer whose address carries a signature',
      '/lunaClient/installer/url',
      ({ lunaClient }) => void (lunaClient.installer.url = 'https://files.example.com/luna.exe?sig=abc'),
    ],
    [
      'an installer whose address carries a password',
      '/lunaClient/certificateClient/installer/url',
      ({ lunaClient }) => void (lunaClient.certificateClient = { installer: { url: 'https://me:mine@example.com/luna.exe', sha256: '0'.repeat(64) } }),
    ],
    ['a lunacm that is too old', '/lunaClient/version', ({ lunaClient }) => void (lunaClient.version = '7.3')],
    [
      'the same installer twice',
      '/lunaClient/certificateClient/installer/sha256',
      ({ lunaClient }) => void (lunaClient.certificateClient = { installer: { url: { secret: 'address' }, sha256: lunaClient.installer.sha256 } }),
    ],
    ['another user than ksadmin', '/cipherTrust/adminUser', ({ cipherTrust }) => void (cipherTrust.adminUser = 'azureuser')],
    [
      'an SSH key that is not RSA',
      '/cipherTrust/sshPublicKey',
      ({ cipherTrust }) => void (cipherTrust.sshPublicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ x'),
    ],
    [
      'this job’s own SO password as an NTP key',
      '/cipherTrust/ntp/1/key/secret',
      (request) => void (request.cipherTrust.ntp[1]!.key = { secret: `${targetId(request)}-hsm-so-password` }),
    ],
    [
      'another job’s password as a license, in capitals',
      '/cipherTrust/license/secret',
      ({ cipherTrust }) => void (cipherTrust.license = { secret: 'OTHER-HSM-0123456789-CIPHERTRUST-ADMIN-PASSWORD' }),
    ],
    [
      'a kept key as the installer’s address',
      '/lunaClient/installer/url/secret',
      ({ lunaClient }) => void (lunaClient.installer.url = { secret: 'abc-0123456789-windows-ssh-key' }),
    ],
    [
      'a kept password as custom data',
      '/cipherTrust/customData/secret',
      ({ cipherTrust }) => void (cipherTrust.customData = { secret: 'kylo-luna-hsm-0123456789-appliance-password' }),
    ],
    ['a region as the portal writes it', '/azure/region', ({ azure }) => void (azure.region = 'West US 2')],
    ['a subnet that Azure keeps for itself', '/network/compute/name', ({ network }) => void (network.compute.name = 'GatewaySubnet')],
    ['a subnet that ends with a dash', '/network/hsm/name', ({ network }) => void (network.hsm.name = 'hsm-')],
    ['the HSM in the hosts’ subnet', '/network/hsm/name', ({ network }) => void (network.hsm.name = 'compute')],
    ['a network that ends with a dash', '/network/name', ({ network }) => void (network.name = 'net-')],
    ['an HSM that begins with a dash', '/hsm/name', ({ hsm }) => void (hsm.name = '-hsm')],
    ['a prefix that ends with a dash', '/hsm/resourcePrefix', ({ hsm }) => void (hsm.resourcePrefix = 'Luna-')],
    ['a Windows host that ends with a dash', '/lunaClient/vmName', ({ lunaClient }) => void (lunaClient.vmName = 'luna-')],
    ['a CipherTrust Manager that ends with a dash', '/cipherTrust/vmName', ({ cipherTrust }) => void (cipherTrust.vmName = 'cipher-')],
    ['a user that Windows keeps', '/lunaClient/adminUser', ({ lunaClient }) => void (lunaClient.adminUser = 'Admin1')],
    ['a user with a space', '/lunaClient/adminUser', ({ lunaClient }) => void (lunaClient.adminUser = 'luna admin')],
    ['one tag written twice', '/azure/tags/environment', ({ azure }) => void (azure.tags = { Environment: 'a', environment: 'b' })],
    ['a tag with a slash', '/azure/tags/cost~1center', ({ azure }) => void (azure.tags = { 'cost/center': '1' })],
    ['a tag of Azure’s', '/azure/tags/azure-x', ({ azure }) => void (azure.tags = { 'azure-x': '1' })],
    ['a tag of the service’s own deployments', '/azure/tags/Provisioner-Run', ({ azure }) => void (azure.tags = { 'Provisioner-Run': '1.1' })],
    ['the service’s own tag', '/azure/tags/Provisioner', ({ azure }) => void (azure.tags = { Provisioner: 'me' })],
  ];
  for (const [what, path, change] of rules) it(`refuses ${what}`, () => assert.deepEqual(brokenBy(change), [path]));

  const told = (change: (request: ProvisioningRequest) => void) => {
    const request = example();
    change(request);
    const planned = plan(request);
    assert.ok(planned.ok);
    return planned.plan;
  };

  it('says how many key pairs the partition holds: 10000 are bytes', () =>
    assert.equal(told(() => {}).creates.find(({ kind }) => kind === 'partition')?.detail, '10000 bytes, about 6 RSA-2048 key pairs'));

  const lunaWarnings: [what: string, warning: RegExp, change: (request: ProvisioningRequest) => void, not: (request: ProvisioningRequest) => void][] = [
    [
      'a partition that is too small for a root of trust',
      /6000 bytes \(not KB\), room for about 3 RSA-2048/,
      ({ hsm }) => void (hsm.partition.sizeBytes = 6_000),
      ({ hsm }) => void (hsm.partition.sizeBytes = 10_000),
    ],
    [
      'a client certificate that ends within a year',
      /valid for 364 days only/,
      ({ lunaClient }) => void (lunaClient.certificateDays = 364),
      ({ lunaClient }) => void (lunaClient.certificateDays = 365),
    ],
    [
      'a vtl that encrypts its keys',
      /10\.9\.2 encrypts the key/,
      ({ lunaClient }) => void (lunaClient.version = '10.9.2'),
      (request) => Object.assign(request, { certificate: 'generated', lunaClient: { ...request.lunaClient, version: '10.9.2' } }),
    ],
  ];
  for (const [what, warning, change, not] of lunaWarnings)
    it(`warns of ${what}`, () => {
      assert.ok(told(change).warnings.some((text) => warning.test(text)));
      assert.ok(!told(not).warnings.some((text) => warning.test(text)));
    });

  const toDoBefore: [what: string, warning: RegExp, change: (request: ProvisioningRequest) => void, not: (request: ProvisioningRequest) => void][] = [
    [
      'marketplace terms that somebody else must accept',
      /terms of thalesdiscplusainc1596561677238:cm_k170v:ciphertrust_manager.*az vm image terms accept.*stops at “Check region, quota, sizes and images”/,
      ({ cipherTrust }) => void (cipherTrust.acceptTerms = false),
      ({ cipherTrust }) => void (cipherTrust.acceptTerms = true),
    ],
    [
      'no terms of an image of one’s own',
      /terms of/,
      ({ cipherTrust }) => void delete cipherTrust.acceptTerms,
      ({ cipherTrust }) => {
        delete cipherTrust.acceptTerms;
        cipherTrust.image = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/cm';
      },
    ],
    [
      'each secret that must be there, once',
      /: installer-address, ntp-key\. .*npm run --silent secret -- --keep/,
      ({ lunaClient, cipherTrust }) => {
        lunaClient.installer.url = { secret: 'installer-address' };
        cipherTrust.ntp.push({ host: 'third.example.com', key: { secret: 'ntp-key' } });
      },
      ({ cipherTrust }) => void cipherTrust.ntp.pop(),
    ],
    ['no secret where none is named', /^Required secrets: ntp-key\./, () => {}, ({ cipherTrust }) => void cipherTrust.ntp.pop()],
  ];
  for (const [what, warning, change, not] of toDoBefore)
    it(`warns of ${what}`, () => {
      assert.equal(told(change).warnings.filter((text) => warning.test(text)).length, 1, told(change).warnings.join('\n'));
      assert.ok(!told(not).warnings.some((text) => warning.test(text)));
    });

  it('reads the size of RSA keys out of their OpenSSH form', () => {
    for (const modulusLength of [1024, 2048, 3072]) {
      const { privateKey } = generateKeyPairSync('rsa', {
        modulusLength,
        privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
        publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
      });
      assert.equal(rsaBits(publicLine(privateKey, 'me')), modulusLength);
    }
  });

  it('has as critical path the longest way through the steps', () => {
    const { steps, minutes } = criticalPath((id) => step(id).usualMinutes);
    assert.equal(
      minutes,
      steps.reduce((sum, id) => sum + step(id).usualMinutes, 0),
    );
    assert.deepEqual([steps[0], steps.at(-1)], [stepIds[0], stepIds.at(-1)]);
    assert.ok(criticalPath((id) => (id === 'first-boot' ? 1000 : 1)).steps.includes('first-boot'));
  });

  it('lets CipherTrust Manager wait for the Windows host where it is reached through that, without a public address', () => {
    const request = example();
    request.cipherTrust.via = 'client';
    const longInstallation = (id: StepId) => (id === 'install-luna-client' || id === 'license' ? 1000 : 1);
    const { steps } = criticalPath(longInstallation, stepIds, predecessorsOf(request));
    assert.ok(steps.includes('install-luna-client') && steps.includes('license'));
    const planned = plan(request);
    assert.ok(planned.ok && !planned.plan.creates.some(({ name }) => name === `${request.cipherTrust.vmName}-ip`));
  });
});

describe('The target id', () => {
  it('is one for one HSM, however its names are written', () => {
    const shouted = example();
    shouted.azure.resourceGroup = shouted.azure.resourceGroup.toUpperCase();
    shouted.hsm.name = shouted.hsm.name.toUpperCase();
    assert.equal(targetId(shouted), targetId(example()));
    assert.match(targetId(example()), /^kylo-luna-hsm-[0-9a-f]{10}$/);
    shouted.azure.resourceGroup = 'another';
    assert.notEqual(targetId(shouted), targetId(example()));
  });
});
