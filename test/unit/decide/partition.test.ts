import assert from 'node:assert/strict';
import { decideConnectClient } from '../../../activities/partition/connect-client.ts';
import { decideCryptoOfficer } from '../../../activities/partition/crypto-officer.ts';
import { decideInitializePartition } from '../../../activities/partition/initialize-partition.ts';
import { type SignIn, worthTrying } from '../../../systems/lunacm/roles.ts';
import type { RoleShown } from '../../../systems/lunash/partition-show.ts';
import { table } from '../../support/decisions.ts';
import { exampleRequest } from '../../support/example.ts';

const request = exampleRequest();
const job = { target: 't', request };
const serial = { partitionSerial: '1', request };
table('connect-client', [
  ['slot there', decideConnectClient({ slots: [{ slot: 0, serial: '1', label: '' }], registered: 'ours' }, serial), 'done'],
  ['another partition’s slot only', decideConnectClient({ slots: [{ slot: 0, serial: '2', label: '' }], registered: 'no' }, serial), 'act deploy'],
  ['registered with our certificate, no slot', decideConnectClient({ slots: [], registered: 'ours' }, serial), 'act redeploy'],
  ['registered with another certificate', decideConnectClient({ slots: [], registered: 'foreign' }, serial), 'stop Unsafe'],
]);

const info = { label: '', serial: '1', initialized: false, cryptoOfficer: false };
table('initialize-partition', [
  ['new', decideInitializePartition({ info, objects: 0 }, job), 'act initialize'],
  ['ours', decideInitializePartition({ info: { ...info, label: 'luna_part', initialized: true }, objects: 2 }, job), 'done'],
  ['labeled by somebody else', decideInitializePartition({ info: { ...info, label: 'theirs', initialized: true }, objects: 0 }, job), 'stop Unsafe'],
  ['ours and not listed by the HSM', decideInitializePartition({ info: { ...info, label: 'luna_part', initialized: true }, objects: undefined }, job), 'done'],
  ['new, but not listed by the HSM', decideInitializePartition({ info, objects: undefined }, job), 'stop Unsafe'],
  ['initialized without a label', decideInitializePartition({ info: { ...info, initialized: true }, objects: 0 }, job), 'stop Unsafe'],
  ['labeled, though not initialized', decideInitializePartition({ info: { ...info, label: 'theirs' }, objects: 0 }, job), 'stop Unsafe'],
  ['of which no flag is told', decideInitializePartition({ info: { ...info, initialized: undefined }, objects: 0 }, job), 'stop Unsafe'],
  ['not labeled, but not empty', decideInitializePartition({ info, objects: 1 }, job), 'stop Unsafe'],
]);

const first = { initialized: true, attemptsLeft: 10, mustChange: true };
const changed = { ...first, mustChange: false };
const untold = { initialized: true, attemptsLeft: undefined, mustChange: undefined };
const so = { attemptsLeft: 10 };
const nothingSpent = { tried: 0, refused: 0, triedByJob: 0 };
const spent = { po: nothingSpent, co: nothingSpent };
const after = (tried: number, refused: number, triedByJob = tried) => ({ po: { tried, refused, triedByJob }, co: { tried, refused, triedByJob } });
type Seen = Parameters<typeof decideCryptoOfficer>[0];
const nothingRefused = { po: false, co: false, coFirst: false };
const officer = ({ signIn, ...seen }: Partial<Seen> & { signIn?: SignIn }) =>
  decideCryptoOfficer(
    { officer: changed, partitionSo: so, spent, officerIsNew: false, refused: nothingRefused, ...seen },
    undefined,
    signIn === undefined ? {} : { 'co-password': signIn },
  );
table('crypto-officer', [
  ['not there yet', officer({ officer: { ...first, initialized: false } }), 'act initialize'],
  [
    'not there yet, and few attempts of the partition SO left',
    officer({ officer: { ...first, initialized: false }, partitionSo: { attemptsLeft: 4 } }),
    'stop Unsafe',
  ],
  [
    'not there yet, and nobody tells the attempts',
    officer({ officer: { ...untold, initialized: false }, partitionSo: { attemptsLeft: undefined } }),
    'act initialize',
  ],
  [
    'not there yet, nobody tells the attempts, and two passwords of the partition SO were refused',
    officer({ officer: { ...untold, initialized: false }, partitionSo: { attemptsLeft: undefined }, spent: after(2, 2) }),
    'stop Unsafe',
  ],
  ['two were refused, and nobody tells the attempts', officer({ officer: untold, signIn: 'refused', spent: after(2, 2) }), 'stop Unsafe'],
  ['one was refused, and nobody tells the attempts', officer({ officer: untold, signIn: 'refused', spent: after(2, 1) }), 'act change-password'],
  ['four were begun, and nobody heard what came of them', officer({ officer: untold, spent: after(4, 0) }), 'stop Unsafe'],
  ['two were refused, and enough are left', officer({ officer: first, spent: after(2, 2) }), 'act change-password'],
  ['three jobs tried once each, this one not yet, and nobody tells the attempts', officer({ officer: untold, spent: after(3, 3, 0) }), 'prove co-password'],
  ['five were tried by other jobs, and nobody tells the attempts', officer({ officer: untold, spent: after(5, 5, 0) }), 'stop Unsafe'],
  ['it is there', officer({}), 'prove co-password'],
  ['it is there, and nobody tells anything', officer({ officer: untold }), 'prove co-password'],
  ['the kept password was refused before the crash', officer({ refused: { ...nothingRefused, co: true } }), 'stop Unsafe'],
  ['the first password was refused before the crash', officer({ officer: first, refused: { ...nothingRefused, coFirst: true } }), 'stop Unsafe'],
  [
    'the partition SO’s password was refused before the crash',
    officer({ officer: { ...first, initialized: false }, refused: { ...nothingRefused, po: true } }),
    'stop Unsafe',
  ],
  ['nobody tells whether it is there', officer({ officer: { ...untold, initialized: undefined } }), 'stop Unsafe'],
  ['temporary password set and not changed', officer({ officer: first }), 'act change-password'],
  ['temporary password set, and four attempts left', officer({ officer: { ...first, attemptsLeft: 4 } }), 'stop Unsafe'],
  ['changed, and its answer lost: the kept password opens it', officer({ signIn: 'good' }), 'done'],
  ['the kept password opens it, and nothing else is told', officer({ officer: untold, signIn: 'good' }), 'done'],
  ['the kept password is refused, and the first one may hold', officer({ officer: untold, signIn: 'refused' }), 'act change-password'],
  ['the kept password is refused, and the first one does not hold', officer({ signIn: 'refused' }), 'stop Unsafe'],
  [
    'the kept password is refused, though nothing must be changed, and this run initialized it: the first one may hold',
    officer({ signIn: 'refused', officerIsNew: true }),
    'act change-password',
  ],
  ['the kept password must be changed', officer({ signIn: 'expired' }), 'stop Unsafe'],
  ['four attempts left', officer({ officer: { ...changed, attemptsLeft: 4 } }), 'stop Unsafe'],
  ['five attempts left, and the kept password opens it', officer({ officer: { ...changed, attemptsLeft: 5 }, signIn: 'good' }), 'done'],
  ['locked, as is told', officer({ officer: { ...changed, attemptsLeft: 0 } }), 'stop Unsafe'],
  ['locked, as the sign-in tells', officer({ officer: untold, signIn: 'locked' }), 'stop Unsafe'],
]);

describe('The kept password of the crypto officer', () => {
  const rows: [string, RoleShown, boolean, typeof nothingSpent?][] = [
    ['is tried where nothing is told and one was refused', untold, true, { tried: 1, refused: 1, triedByJob: 1 }],
    ['is not tried where nothing is told and two were refused', untold, false, { tried: 2, refused: 2, triedByJob: 2 }],
    ['is not tried where nothing is told and four were begun', untold, false, { tried: 4, refused: 0, triedByJob: 4 }],
    ['is tried on one that has changed it', changed, true],
    ['is tried where nothing is told', untold, true],
    ['is tried with five attempts left', { ...changed, attemptsLeft: 5 }, true],
    ['is not tried with four', { ...changed, attemptsLeft: 4 }, false],
    ['is not tried where the first one holds', first, false],
    ['is not tried where there is no officer', { ...changed, initialized: false }, false],
  ];
  for (const [what, role, tried, co = nothingSpent] of rows) it(what, () => assert.equal(worthTrying({ officer: role, spent: { ...spent, co } }), tried));
});
