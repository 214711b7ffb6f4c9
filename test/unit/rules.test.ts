import assert from 'node:assert/strict';
import { judgeApproval, judgeResolution } from '../../domain/approval-rules.ts';
import type { ApprovalView, IncidentView, Progress } from '../../domain/progress.ts';
import { parseDate } from '../../systems/lunash/parse.ts';
import { Transcript } from '../../systems/lunash/transcript.ts';
import { readSettings } from '../../worker/settings.ts';
import { zeroizedHsm } from '../support/stub-activities.ts';

const now = '2026-11-24T12:00:00.000Z';
const approval = (change: Partial<ApprovalView> = {}): ApprovalView => ({
  id: 'approve-zeroize-1',
  question: '',
  loses: '',
  hsm: zeroizedHsm,
  requestedBy: 'olga',
  secondPerson: false,
  askedAt: now,
  deadline: '2026-11-25T12:00:00.000Z',
  ...change,
});
const incident = (change: Partial<IncidentView> = {}): IncidentView => ({
  id: 'incident-1',
  step: 'ntp',
  problem: { kind: 'Refused', code: 'AZURE_LOCKED', tried: '', summary: '', remedy: '' },
  actions: ['retry', 'abort'],
  openedAt: now,
  ...change,
});
const progress = (approvals: ApprovalView[], incidents: IncidentView[] = []) => ({ approvals, incidents }) as unknown as Progress;
const signal = { approvalId: 'approve-zeroize-1', decisionId: 'd', actor: 'anna' };

describe('A decision', () => {
  const judged = (view: ApprovalView[], change: object = {}, at = now) => judgeApproval(progress(view), { ...signal, ...change }, at).verdict;
  it('about an approval counts only where one is open, in time, by a person who may', () => {
    assert.equal(judged([approval()]), 'accepted');
    assert.equal(judged([]), 'refused');
    assert.equal(judged([approval()], { approvalId: 'approve-zeroize-2' }), 'refused');
    assert.equal(judged([approval({ closedAt: now, outcome: 'approved' })]), 'refused');
    assert.equal(judged([approval({ closedAt: now, outcome: 'stale' })]), 'refused');
    assert.equal(judged([approval()], {}, '2026-11-26T00:00:00.000Z'), 'refused');
    assert.equal(judged([approval({ secondPerson: true })], { actor: 'olga' }), 'refused');
    assert.equal(judged([approval({ secondPerson: true })], { actor: ' Olga ' }), 'refused', 'a name written otherwise is no second person');
    assert.equal(judged([approval({ secondPerson: true })]), 'accepted');
  });

  it('about an incident counts only where it is open and the step allows it', () => {
    const resolve = (view: IncidentView[], action: 'retry' | 'skip') =>
      judgeResolution(progress([], view), { incidentId: 'incident-1', decisionId: 'd', actor: 'otto', action }).verdict;
    assert.equal(resolve([incident()], 'retry'), 'accepted');
    assert.equal(resolve([incident()], 'skip'), 'refused');
    assert.equal(resolve([incident({ closedAt: now })], 'retry'), 'refused');
    assert.equal(resolve([], 'retry'), 'refused');
  });
});

describe('The appliance’s clock', () => {
  it('is read in UTC, whatever zone it is set to', () => {
    for (const text of ['Tue Feb 12 08:01:02 EDT 2019', 'Tue Feb 12 12:01:02 UTC 2019', 'Tue Feb 12 13:01:02 +0100 2019', 'Tue Feb 12 08:01:02 AM EDT 2019'])
      assert.equal(parseDate(text)?.at.toISOString(), '2019-02-12T12:01:02.000Z', text);
    assert.equal(parseDate('Tue Feb 12 08:01:02 PM UTC 2019')?.at.toISOString(), '2019-02-12T20:01:02.000Z');
    assert.equal(parseDate('Tue Feb 12 12:01:02 AM UTC 2019')?.at.toISOString(), '2019-02-12T00:01:02.000Z');
    assert.equal(parseDate('Tue Feb 12 08:01:02 XYZ 2019'), undefined);
  });
});

describe('A transcript', () => {
  it('shows no secret, wherever it was echoed', () => {
    const transcript = new Transcript();
    transcript.hide('opensesame');
    transcript.add('lunash:>hsm login -password opensesame\nopensesame');
    assert.ok(!transcript.masked.includes('opensesame'));
  });
});

describe('The settings', () => {
  it('are refused with every mistake at once', () => {
    assert.throws(
      () => readSettings({ HSM_LUNA_VIA: 'magic', HSM_POLL_INTERVAL_MS: '-1', HSM_CA_FILE: '/no/such/file' }),
      (error: Error) => ['HSM_LUNA_VIA', 'HSM_POLL_INTERVAL_MS', 'HSM_CA_FILE'].every((name) => error.message.includes(name)),
    );
    assert.equal(readSettings({}).lunaVia, 'client');
  });
});
