import assert from 'node:assert/strict';
import { decideInstallLunaClient, recentEnough } from '../../../activities/luna-client/install-luna-client.ts';
import { table } from '../../support/decisions.ts';
import { exampleRequest } from '../../support/example.ts';

const request = exampleRequest();
const script = {
  state: 'Succeeded',
  output: 'client-version: 7.4.0-226\nvtl: True\nhost-key: ssh-rsa AAAA x\n',
  error: '',
  sentAt: 2,
  startedAt: 3,
  endedAt: 5,
  scheduledAt: 1,
  lastObservedAt: 6,
};
const install = (change: object) => decideInstallLunaClient({ ...script, ...change }, { vm: { id: '', privateAddress: '', reachable: '20.0.0.4' }, request });
table('install-luna-client', [
  ['installed', install({}), 'done'],
  ['running', install({ state: 'Running' }), 'wait'],
  ['running for 76 minutes', install({ state: 'Running', lastObservedAt: 76 * 60_000 + 1 }), 'stop Refused'],
  [
    'hanging since before a retry was ordered',
    install({ state: 'Running', sentAt: 0, startedAt: 0, scheduledAt: 76 * 60_000, lastObservedAt: 76 * 60_000 }),
    'act run-script',
  ],
  [
    'never begun, and sent before a retry was ordered',
    install({ state: 'Pending', sentAt: 0, startedAt: 0, scheduledAt: 76 * 60_000, lastObservedAt: 76 * 60_000 }),
    'act run-script',
  ],
  [
    'never begun, and sent a minute before a retry was ordered',
    install({ state: 'Pending', sentAt: 1, startedAt: 1, scheduledAt: 60_000, lastObservedAt: 60_000 }),
    'wait',
  ],
  ['failed now without ever having begun', install({ state: 'Failed', startedAt: 2, endedAt: undefined }), 'stop Refused'],
  ['failed without ever having begun, before a retry was ordered', install({ state: 'Failed', sentAt: 0, endedAt: undefined }), 'act run-script'],
  ['failed now', install({ state: 'Failed', error: 'x' }), 'stop Refused'],
  ['failed before a retry was ordered', install({ state: 'Failed', sentAt: 0 }), 'act run-script'],
  ['says nothing', install({ output: '' }), 'stop Refused'],
  ['an old client', install({ output: script.output.replace('7.4.0', '7.2.0') }), 'stop Refused'],
]);

it('knows which versions of the client are recent enough', () => {
  assert.deepEqual(['7.4.0-226', '10.7.2-16', '7.10.1', '7.3.0', '6.9.9'].map(recentEnough), [true, true, true, false, false]);
});
