import assert from 'node:assert/strict';
import fc from 'fast-check';
import { amend, fixedFields, touches } from '../../domain/amendments.ts';
import { catalog, type StepId, stepIds } from '../../domain/steps.ts';
import { exampleRequest } from '../support/example.ts';

const states = (changed: Partial<Record<StepId, string>> = {}) =>
  Object.fromEntries(stepIds.map((id) => [id, { state: changed[id] ?? 'pending' }])) as Record<StepId, { state: string }>;
const judged = (amendment: unknown, changed?: Partial<Record<StepId, string>>) =>
  amend(exampleRequest(), amendment, { steps: catalog, states: states(changed) });
const mistakes = (amendment: unknown, changed?: Partial<Record<StepId, string>>) => {
  const result = judged(amendment, changed);
  return result.ok ? [] : result.mistakes.map(({ path, message }) => `${path}: ${message}`);
};
const url = { '/lunaClient/installer/url': 'https://mirror.example.com/client.zip?sig=secret' };

describe('An amendment of a request', () => {
  it('changes fields that no step has used, of the failed step, too, and shows the difference without what may be secret', () => {
    const result = judged(url, { 'windows-vm': 'done', 'install-luna-client': 'failed' });
    assert.ok(result.ok);
    assert.equal(result.request.lunaClient.installer.url, url['/lunaClient/installer/url']);
    assert.deepEqual(
      result.changes.map(({ path, after }) => [path, after]),
      [['/lunaClient/installer/url', '"https://mirror.example.com/client.zip?…"']],
    );
    assert.match(`${result.changes[0]!.before}`, /^"https:/);
    assert.notEqual(exampleRequest().lunaClient.installer.url, result.request.lunaClient.installer.url, 'what it was applied to stays as it is');
  });

  it('is refused for what a step uses or has used, whatever became of that', () => {
    for (const state of ['done', 'running', 'skipped', 'not-needed', 'cancelled'])
      assert.match(
        mistakes(url, { 'install-luna-client': state }).join(),
        /(was|is being) used by install-luna-client\. Abort and send the request again/,
        state,
      );
    assert.deepEqual(mistakes({ '/network/addressSpace': '10.0.0.0/16' }, { 'virtual-network': 'done' }), [
      '/network/addressSpace: Field /network/addressSpace was used by virtual-network. Abort and send the request again: the new job attaches to what exists.',
    ]);
  });

  it('may change what was only checked', () => {
    const done = { 'keep-secrets': 'done', 'check-availability': 'done', 'windows-vm': 'failed' };
    assert.deepEqual(mistakes({ '/lunaClient/size': 'Standard_D4s_v3', '/azure/adminSources': ['192.0.2.0/24'] }, done), []);
    assert.equal(mistakes({ '/lunaClient/image': 'a:b:c:d' }, done).length, 1);
  });

  it('never changes the target, nor the terms of approval, whatever has begun', () => {
    for (const field of fixedFields) assert.match(mistakes({ [field]: 'x' }).join(), /cannot be changed while the job goes on/, field);
    assert.equal(mistakes({ '/azure': { ...exampleRequest().azure, region: 'eastus' } }).length, 1);
  });

  it('tells every mistake at once', () => {
    const wrong = { '/hsm/name': 'other', '/lunaClient/instaler': {}, 'lunaClient/size': 'x', '/cipherTrust/ntp/7/host': 'x', '/hsm/name/deep': 'x' };
    assert.deepEqual(mistakes(wrong).length, 5);
  });

  it('may replace a whole part: only what differs counts', () => {
    const { lunaClient } = exampleRequest();
    const result = judged({ '/lunaClient': { ...lunaClient, version: '7.4.0' } }, { 'windows-vm': 'done' });
    assert.ok(result.ok);
    assert.deepEqual(result.changes, [{ path: '/lunaClient/version', after: '"7.4.0"' }]);
  });

  it('takes a field away with null, and changes the items of a list', () => {
    const result = judged({ '/lunaClient/size': null, '/cipherTrust/ntp/0/host': 'time.example.com', '/cipherTrust/disk/type': 'Premium_LRS' });
    assert.ok(result.ok);
    assert.equal('size' in result.request.lunaClient, false);
    assert.equal(result.request.cipherTrust.ntp[0]?.host, 'time.example.com');
    assert.deepEqual(result.request.cipherTrust.disk, { type: 'Premium_LRS' });
  });

  it('that changes nothing, or is none, is refused', () => {
    const { fips } = exampleRequest().hsm;
    for (const none of [{}, [], null, 'x', { '/hsm/fips': fips }, { '/cipherTrust/webCertificate': null }])
      assert.equal(mistakes(none).length, 1, JSON.stringify(none));
  });

  it('may be anything that anybody sends: nothing throws', () => {
    const pointer = fc.oneof(fc.string(), fc.constantFrom('/hsm', '/cipherTrust/ntp/0', '/hsm/__proto__/x', '/azure/tags', '/lunaClient/installer'));
    fc.assert(fc.property(fc.oneof(fc.anything(), fc.dictionary(pointer, fc.jsonValue())), (sent) => void judged(sent)));
  });

  it('touches a field by itself, by a part of it, and by what it is part of', () => {
    const at = (path: string) => [{ path }];
    assert.ok(touches(at('/hsm/partition/name'), ['/hsm/partition']));
    assert.ok(touches(at('/hsm'), ['/hsm/partition']));
    assert.ok(!touches(at('/hsm/partitions'), ['/hsm/partition']));
  });
});
