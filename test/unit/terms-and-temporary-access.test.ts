import assert from 'node:assert/strict';
import { decideAcceptTerms } from '../../activities/ciphertrust/accept-terms.ts';
import { decideAdminPassword } from '../../activities/ciphertrust/admin-password.ts';
import { decideRemoveTemporaryAccess } from '../../activities/report/remove-temporary-access.ts';
import { exampleRequest } from '../support/example.ts';

type Any = { kind: string; change?: string };
const short = ({ kind, change }: Any): string => (change ? `${kind} ${change}` : kind);
const table = (title: string, rows: [situation: string, decision: Any, expected: string][]) =>
  describe(title, () => {
    for (const [situation, decision, expected] of rows) it(`${situation}: ${expected}`, () => assert.equal(short(decision), expected));
  });

const request = exampleRequest();
const silent = { request: { ...request, cipherTrust: { ...request.cipherTrust, acceptTerms: false } } };
table('accept-terms', [
  ['accepted', decideAcceptTerms(true, silent), 'done'],
  ['an image without terms', decideAcceptTerms(undefined, silent), 'done'],
  ['not accepted, and the request says that they may be', decideAcceptTerms(false, { request }), 'act accept'],
  ['not accepted, and the request does not say so', decideAcceptTerms(false, silent), 'stop'],
]);

const login = { signedIn: false, left: ['default' as const], found: ['the stored password is refused'] };
const target = { target: 'kylo-1' };
table('admin-password', [
  ['the kept password works', decideAdminPassword({ ...login, signedIn: true }, target), 'done'],
  ['it does not, and the default one was not tried', decideAdminPassword(login, target), 'act replace-password'],
  ['one wrong password was shown in this attempt', decideAdminPassword({ ...login, pause: 'the stored password is refused' }, target), 'wait'],
  ['no password that this service may try is left', decideAdminPassword({ ...login, left: [] }, target), 'stop'],
]);

const doors = (open: string[], power?: string, changing = false, tags: Record<string, string> = { provisioner: 't' }) =>
  decideRemoveTemporaryAccess({ open: open.map((name) => ({ name, tags })), ...(power ? { host: { power, changing, tags } } : {}) }, { request, target: 't' });
const nobodys = { owner: 'somebody' };
table('remove-temporary-access', [
  ['not asked for', decideRemoveTemporaryAccess({ open: [] }, { request: { ...request, removeTemporaryAccess: false }, target: 't' }), 'done'],
  ['a temporary rule is there, though the host is off', doors(['lunaclient-nsg'], 'deallocated'), 'act remove-rule'],
  ['a rule of our name in a group that does not carry our mark', doors(['lunaclient-nsg'], 'deallocated', false, nobodys), 'stop'],
  ['rules gone, the host runs', doors([], 'running'), 'act deallocate'],
  ['the host was shut down from inside', doors([], 'stopped'), 'act deallocate'],
  ['a host that does not carry our mark runs', doors([], 'running', false, nobodys), 'stop'],
  ['a host that does not carry our mark is off', doors([], 'deallocated', false, nobodys), 'done'],
  ['the host is said to run, and is being changed', doors([], 'running', true), 'wait'],
  ['the host is on its way', doors([], 'deallocating', true), 'wait'],
  ['the host is gone', doors([]), 'done'],
  ['all closed', doors([], 'deallocated'), 'done'],
]);
