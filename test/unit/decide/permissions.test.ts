import assert from 'node:assert/strict';
import { decideCheckAvailability } from '../../../activities/permissions/check-availability.ts';
import { decideCheckFeature } from '../../../activities/permissions/check-feature.ts';
import { table } from '../../support/decisions.ts';
import { exampleRequest } from '../../support/example.ts';

const request = exampleRequest();
const job = { target: 't', request };

table('check-feature', [
  ['Registered', decideCheckFeature({ state: 'Registered', told: true }, job), 'done'],
  ['Registered, the provider not told', decideCheckFeature({ state: 'Registered', told: false }, job), 'act register-provider'],
  ['Pending', decideCheckFeature({ state: 'Pending', told: false }, job), 'wait'],
  ['NotRegistered', decideCheckFeature({ state: 'NotRegistered', told: false }, job), 'stop Refused'],
  ['hidden', decideCheckFeature({ state: 'unknown to this subscription', told: false }, job), 'stop Refused'],
]);

const image = { image: { publisher: 'p', offer: 'o', sku: 's', version: '1' }, state: 'Active', hasPlan: false };
const ownImage = (region: string) => ({ image: { id: '/i' }, state: 'Active', hasPlan: false, regions: [region] });
const size = (name: string, memoryGb: number) => ({ name, memoryGb });
const available = {
  machines: [] as string[],
  hsmThere: false,
  hsms: [] as { name: string; stamp: string }[],
  sizes: [size('Standard_D2s_v3', 8), size('Standard_F4s_v2', 8)],
  restricted: [],
  windowsImage: image,
  cipherTrustImage: image,
  termsAccepted: false,
  encryptionSets: [],
};
const twoInStamp = ['a', 'b'].map((name) => ({ name, stamp: 'stamp1' }));
const notAccepting = { request: { ...request, cipherTrust: { ...request.cipherTrust, acceptTerms: false } } };
const ofAnna = { request: { ...request, cipherTrust: { ...request.cipherTrust, sshKeyInAzure: 'anna' } } };
table('check-availability', [
  ['all there', decideCheckAvailability(available, job), 'done'],
  ['two HSMs in the stamp', decideCheckAvailability({ ...available, hsms: twoInStamp }, job), 'done'],
  ['a size not offered, an image gone', decideCheckAvailability({ ...available, sizes: [], windowsImage: undefined }, job), 'stop Refused'],
  [
    'a size that the subscription may not use',
    decideCheckAvailability({ ...available, restricted: [{ size: 'Standard_D2s_v3', reason: 'NotAvailableForSubscription' }] }, job),
    'stop Refused',
  ],
  ['terms not accepted, and they may not be', decideCheckAvailability(available, notAccepting), 'stop Refused'],
  [
    'terms not accepted of a machine that is there, its image gone',
    decideCheckAvailability({ ...available, machines: ['mycompany-ciphertrust'], cipherTrustImage: undefined }, notAccepting),
    'done',
  ],
  ['terms accepted by somebody', decideCheckAvailability({ ...available, termsAccepted: true }, notAccepting), 'done'],
  ['an image without terms', decideCheckAvailability({ ...available, cipherTrustImage: ownImage('westus2') }, notAccepting), 'done'],
  ['an image of one’s own elsewhere', decideCheckAvailability({ ...available, cipherTrustImage: ownImage('eastus') }, job), 'stop Refused'],
  ['a size in other letters', decideCheckAvailability({ ...available, sizes: available.sizes.map(({ name }) => size(name.toUpperCase(), 8)) }, job), 'done'],
  [
    'a deprecated image of a machine that is there',
    decideCheckAvailability({ ...available, machines: ['mycompany-ciphertrust'], cipherTrustImage: { ...image, state: 'Deprecated' } }, job),
    'done',
  ],
  [
    'a size and an image that are gone, of a machine that is there',
    decideCheckAvailability({ ...available, machines: ['LunaClient'], sizes: [size('Standard_F4s_v2', 8)], windowsImage: undefined }, job),
    'done',
  ],
  ['a deprecated image', decideCheckAvailability({ ...available, cipherTrustImage: { ...image, state: 'Deprecated' } }, job), 'stop Refused'],
  [
    'a Windows image that will be deprecated',
    decideCheckAvailability({ ...available, windowsImage: { ...image, state: 'ScheduledForDeprecation' } }, job),
    'done',
  ],
  ['a Windows image that must be bought', decideCheckAvailability({ ...available, windowsImage: { ...image, hasPlan: true } }, job), 'stop Refused'],
  ['ksadmin’s key is not in Azure', decideCheckAvailability({ ...available, keyInAzure: '' }, ofAnna), 'stop Refused'],
  ['ksadmin’s key in Azure is no RSA key', decideCheckAvailability({ ...available, keyInAzure: 'ssh-ed25519 AAAA' }, ofAnna), 'stop Refused'],
]);

describe('check-availability', () => {
  it('warns where Microsoft’s usual quota is used up, since it may have been raised; of an HSM that is there it says nothing', () => {
    const warnings = (change: object) => {
      const decision = decideCheckAvailability({ ...available, sizes: available.sizes.map(({ name }) => size(name, 16)), ...change }, job);
      return 'result' in decision ? decision.result.warnings : undefined;
    };
    assert.deepEqual(warnings({}), []);
    assert.match(warnings({ hsms: twoInStamp })?.join() ?? '', /already in stamp1: 2\..*quota is 2\. Unless it was raised/);
    assert.match(warnings({ hsms: [...twoInStamp, ...twoInStamp] })?.join() ?? '', /already in westus2: 4\..*already in stamp1: 4\./);
    assert.deepEqual(warnings({ hsms: twoInStamp, hsmThere: true }), []);
  });

  it('warns of a VM with less memory than CipherTrust Manager needs, such as the runbook’s', () => {
    const warnings = (memoryGb: number) => {
      const decision = decideCheckAvailability({ ...available, sizes: [size('Standard_D2s_v3', 8), size('Standard_F4s_v2', memoryGb)] }, job);
      return 'result' in decision ? decision.result.warnings : undefined;
    };
    assert.match(warnings(8)?.join() ?? '', /Standard_F4s_v2 has 8 GB/);
    assert.deepEqual(warnings(16), []);
  });
});
