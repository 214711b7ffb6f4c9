import { decideVerifyHsm } from '../../../activities/hsm/verify-hsm.ts';
import { table } from '../../support/decisions.ts';
import { exampleRequest } from '../../support/example.ts';

const request = exampleRequest();
const job = { target: 't', request };
const resource = { id: 'i', state: 'Succeeded', message: '', location: 'westus2', tags: { Environment: 'prod', resourceType: 'Hsm' }, address: '172.22.1.4' };
table('verify-hsm', [
  ['as deployed', decideVerifyHsm(resource, job), 'done'],
  ['with another address', decideVerifyHsm({ ...resource, address: '172.22.1.5' }, job), 'stop Refused'],
  ['without its tags', decideVerifyHsm({ ...resource, tags: {} }, job), 'stop Refused'],
  ['still on its way', decideVerifyHsm({ ...resource, state: 'Provisioning' }, job), 'wait'],
  ['gone', decideVerifyHsm(undefined, job), 'stop Refused'],
]);
