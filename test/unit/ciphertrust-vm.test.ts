import assert from 'node:assert/strict';
import { decideCheckAvailability } from '../../activities/permissions/check-availability.ts';
import { osDisk } from '../../activities/virtual-machine.ts';
import { catalog } from '../../domain/steps.ts';
import type { Azure, AzureClients } from '../../systems/azure/azure.ts';
import { findImage } from '../../systems/azure/images.ts';
import { exampleRequest } from '../support/example.ts';

const urn = 'thalesdiscplusainc1596561677238:cm_k170v:ciphertrust_manager';

describe('The machine of CipherTrust Manager', () => {
  const offered = ['2.9.7731', '2.10.8092', '2.6.6506', '2.10.7973'];
  const find = async (named: string) => {
    const images = {
      list: async () => offered.map((name) => ({ name })),
      get: async (...[, , , , version]: string[]) => ({ name: version, plan: {} }),
    };
    const azure = { look: async (_: string, question: () => unknown) => question() } as unknown as Azure;
    const clients = { compute: { virtualMachineImages: images } } as unknown as AzureClients;
    return (await findImage(azure, clients, { region: 'westus2', urn: named, signal: new AbortController().signal }))?.image.version;
  };

  it('is of the latest version by the order of versions, not of texts; an older one where it is named', async () => {
    assert.equal(await find(urn), '2.10.8092');
    assert.equal(await find(`${urn}:latest`), '2.10.8092');
    assert.equal(await find(`${urn}:2.6.6506`), '2.6.6506');
    assert.equal(await find(`${urn}:2.7.1`), undefined);
  });

  const request = exampleRequest();
  const image = { image: { publisher: 'p', offer: 'o', sku: 's', version: '1' }, state: 'Active', hasPlan: false };
  const available = (memoryGb: number) => ({
    machines: [],
    hsmThere: false,
    hsms: [],
    sizes: ['Standard_D2s_v3', 'Standard_F4s_v2'].map((name) => ({ name, memoryGb })),
    restricted: [],
    windowsImage: image,
    cipherTrustImage: image,
    termsAccepted: false,
    termsLink: 'https://terms.example.com/cm',
    encryptionSets: [],
  });

  it('with less than 16 GB of memory is a warning, as the runbook’s own size is', () => {
    const warnings = (memoryGb: number) => {
      const decision = decideCheckAvailability(available(memoryGb), { request });
      return decision.kind === 'done' ? decision.result.warnings : [`${decision.kind}`];
    };
    assert.deepEqual(warnings(8), ['Standard_F4s_v2 has 8 GB of memory; Thales’ minimum for CipherTrust Manager is 16 GB.']);
    assert.deepEqual(warnings(16), []);
  });

  it('has terms that are accepted only where the request says so; else a person gets the link', () => {
    const { acceptTerms: _, ...cipherTrust } = request.cipherTrust;
    const decision = decideCheckAvailability(available(16), { request: { ...request, cipherTrust } });
    assert.ok(decision.kind === 'stop');
    assert.match(decision.problem.remedy, /https:\/\/terms\.example\.com\/cm.*\/cipherTrust\/acceptTerms/);
  });

  it('has the disk that its image comes with: no size is asked for, so none below it', () => {
    assert.deepEqual(osDisk({ type: 'Standard_LRS' }), {
      createOption: 'FromImage',
      caching: 'ReadWrite',
      managedDisk: { storageAccountType: 'Standard_LRS' },
    });
  });

  it('has half an hour to boot', () => assert.equal(catalog['first-boot'].deadline, '30 minutes'));
});
