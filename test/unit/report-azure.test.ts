import assert from 'node:assert/strict';
import type { ReportDraft } from '../../domain/report.ts';
import { azureLines, azureOf } from '../../domain/report-azure.ts';
import { exampleRequest } from '../support/example.ts';

const image = { publisher: 'MicrosoftWindowsDesktop', offer: 'Windows-10', sku: 'win10-22h2-pro-g2', version: '19045.1' };

describe('The report about Azure', () => {
  const request = exampleRequest();
  request.lunaClient.disk = {
    type: 'StandardSSD_LRS',
    encryptionSet: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/our-keys',
  };
  const draft = (results: ReportDraft['results']) => ({ request, results }) as ReportDraft;

  it('tells what was asked for and what came of it: access, tags, template, hosts, closed doors', () => {
    const told = azureOf(
      draft({
        'check-availability': { windowsImage: image, cipherTrustImage: { id: '/images/own' }, termsNeeded: false, warnings: [] },
        'deploy-hsm': { deploymentId: '/d', templateHash: '42', templateSha256: 'abc', gatewayWasThere: false },
        'windows-vm': { id: '/virtualMachines/LunaClient', privateAddress: '172.22.0.4', publicAddress: '20.0.0.4', reachable: '20.0.0.4' },
        'ciphertrust-vm': { id: '/virtualMachines/MyCompany-CipherTrust', privateAddress: '172.22.0.5', reachable: '172.22.0.5' },
        'remove-temporary-access': { removedRules: ['lunaclient-nsg/provisioner-admin'], deallocated: true },
      }),
    );
    assert.deepEqual(told.deployment, { id: '/d', templateHash: '42', templateSha256: 'abc', gatewayWasThere: false });
    assert.deepEqual(told.hosts[1], {
      name: 'mycompany-ciphertrust',
      size: 'Standard_F4s_v2',
      disk: { type: 'Standard_LRS' },
      image: '/images/own',
      privateAddress: '172.22.0.5',
    });
    const text = azureLines(told).join('\n');
    for (const part of [
      /public access/,
      /Environment=prod/,
      /own template with SHA-256 abc/,
      /StandardSSD_LRS encrypted with our-keys.*19045\.1.*public 20\.0\.0\.4/,
      /Closed at the end: lunaclient-nsg/,
    ])
      assert.match(text, part);
  });

  it('says nothing of what never came about', () => {
    const told = azureOf(draft({}));
    assert.deepEqual([told.hosts, told.deployment, told.hsmId, told.closed], [[], undefined, undefined, undefined]);
  });
});
