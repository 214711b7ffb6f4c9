import assert from 'node:assert/strict';
import { detailsOf } from '../../domain/current-details.ts';
import type { Progress, StepView } from '../../domain/progress.ts';
import { catalog, phases, type StepId, stepIds } from '../../domain/steps.ts';
import { zeroizedHsm } from '../support/stub-activities.ts';

const detailsHere = (of: Progress) => detailsOf(of, { phases, steps: catalog });
const at = (time: string) => `2026-11-25T${time}.000Z`;

function progress(steps: Partial<Record<StepId, Partial<StepView>>>, more: Partial<Progress> = {}): Progress {
  const every = Object.fromEntries(stepIds.map((id) => [id, { state: 'pending', attempts: 0, ...steps[id] }])) as Progress['steps'];
  const job = { state: 'running', revision: 1, warnings: [], startedAt: at('12:00:00'), requestedBy: 'otto', hsmName: 'hsm', region: 'westus2' } as const;
  return { job: { ...job, warnings: [], awaitingApproval: false, hasIncident: false }, steps: every, incidents: [], approvals: [], decisions: [], ...more };
}

describe('The details that the Temporal UI shows', () => {
  it('are every step under its section of the runbook, with its state and times', () => {
    const lines = detailsHere(
      progress({
        'keep-secrets': { state: 'done', attempts: 3, startedAt: at('12:00:01'), finishedAt: at('12:00:02') },
        'check-feature': { state: 'running', attempts: 1, startedAt: at('12:00:03') },
        license: { state: 'skipped', attempts: 1 },
        'fips-mode': { state: 'not-needed' },
      }),
    )
      .replace(/\u00a0/g, '')
      .split('\n');
    assert.deepEqual(lines.slice(0, 5), [
      '| | Step | Started | Finished |',
      '|---|---|---|---|',
      '| | **Acquire permissions** | | |',
      '| ✔ | Generate and keep every password · attempt 3 | 12:00:01 | 12:00:02 |',
      '| ▶ | Check the access to Dedicated HSM | 12:00:03 |  |',
    ]);
    assert.ok(lines.includes('| ↷ | Activate the license · skipped |  |  |'));
    assert.equal(lines.filter((line) => line.includes('not needed')).length, 1);
    const sections = lines.filter((line) => line.startsWith('| | **')).length;
    assert.equal(lines.length, 2 + sections + stepIds.length);
  });

  it('begin with what is asked of a person, and the signal that answers it', () => {
    const problem = {
      kind: 'Refused',
      code: 'AZURE_TERMS_NOT_ACCEPTED',
      tried: 'accepting the terms',
      summary: 'not accepted',
      remedy: 'Accept them.',
    } as const;
    const incident = { id: 'incident-2', step: 'accept-terms', problem, actions: ['retry', 'abort'], openedAt: at('12:00:00') } as const;
    const [what, how] = detailsHere(progress({}, { incidents: [{ ...incident, actions: ['retry', 'abort'] }] })).split('\n');
    assert.equal(what, '**Incident `incident-2` at Accept the marketplace terms (AZURE_TERMS_NOT_ACCEPTED):** accepting the terms: not accepted. Accept them.');
    assert.match(
      how!,
      /Send the signal `resolve` with `\{"incidentId":"incident-2","decisionId":"any new id","actor":"your name","action":"retry"\}`; the action is `retry` or `abort`\.$/,
    );
  });

  it('name every partition that is lost', () => {
    const partitions = [
      { serial: '1238696044952', name: 'theirs', objects: 5, usedBytes: 812 },
      { serial: '1238696044953', name: 'with `ticks`', objects: 0, usedBytes: 0 },
    ];
    const approval = { id: 'approve-zeroize-1-7bb4cb', question: 'Erase it?', loses: 'All.', hsm: { ...zeroizedHsm, partitions }, requestedBy: 'otto' };
    const open = { ...approval, secondPerson: false, askedAt: at('12:00:00'), deadline: at('13:00:00') };
    const [, lost] = detailsHere(progress({}, { approvals: [open] })).split('\n');
    assert.equal(lost, "Partitions: `theirs` (serial 1238696044952, 5 object(s)), `with 'ticks'` (serial 1238696044953, 0 object(s)).");
    const many = Array.from({ length: 22 }, () => partitions[0]!);
    assert.match(detailsHere(progress({}, { approvals: [{ ...open, hsm: { ...zeroizedHsm, partitions: many } }] })), / and 2 more\./);
  });
});
