import assert from 'node:assert/strict';
import type { Progress, StepView } from '../../../domain/progress.ts';
import { type StepId, stepIds } from '../../../domain/steps.ts';
import { changes } from '../../../scripts/console/changes.ts';
import { clip, duration, wrap } from '../../../scripts/console/format.ts';
import { renderApproval } from '../../../scripts/console/questions.ts';
import { branches, renderTable } from '../../../scripts/console/table.ts';

const at = (second: number) => new Date(Date.UTC(2026, 10, 24, 12, 0, second)).toISOString();
const pending: StepView = { state: 'pending', attempts: 0 };
const done: StepView = { state: 'done', attempts: 1, startedAt: at(0), finishedAt: at(7) };
const running: StepView = { state: 'running', attempts: 1, startedAt: at(10) };

function job(states: Partial<Record<StepId, StepView>> = {}): Progress {
  return {
    job: {
      state: 'running',
      revision: 1,
      startedAt: at(0),
      requestedBy: 'kylo',
      hsmName: 'kylo-luna-hsm',
      region: 'westus2',
      warnings: [],
      awaitingApproval: false,
      hasIncident: false,
    },
    steps: Object.fromEntries(stepIds.map((id) => [id, states[id] ?? pending])) as Record<StepId, StepView>,
    incidents: [],
    approvals: [],
    decisions: [],
  };
}

const deploying = job({ 'keep-secrets': done, 'deploy-hsm': running, 'windows-vm': running, 'first-boot': running });
const tall = { columns: 100, rows: 80, now: Date.parse(at(32)) };

describe('the table of the demo', () => {
  it('puts the phases that run side by side into one group', () => {
    assert.deepEqual(
      branches().find((group) => group.length > 1),
      ['hsm', 'luna-client', 'ciphertrust'],
    );
  });

  it('shows the state, the time taken and what the system says', () => {
    const lines = renderTable(deploying, { 'deploy-hsm': 'gateway: Updating' }, tall);
    assert.match(lines[0] ?? '', /^kylo-luna-hsm running, 1 steps done, \d+ %, 0:32$/);
    assert.ok(lines.some((line) => /✔ Generate and keep every password +0:07$/.test(line)));
    assert.ok(lines.some((line) => /^│.*▶ Deploy the gateway and the HSM +0:22 {2}gateway: Updating$/.test(line)));
  });

  it('draws a line beside the branches', () => {
    const lines = renderTable(deploying, {}, tall);
    const first = lines.findIndex((line) => line.startsWith('┌ Deploy the Dedicated Luna HSM'));
    const last = lines.findIndex((line) => line.startsWith('└'));
    assert.ok(first > 0 && last > first);
    assert.ok(lines.slice(first + 1, last).every((line) => /^[│├]/.test(line)));
    assert.match(lines[last] ?? '', /Activate the license/);
  });

  it('fits a terminal of 24 lines and 80 columns, and still shows every step that runs', () => {
    const lines = renderTable(deploying, { 'first-boot': 'x'.repeat(300) }, { ...tall, rows: 23, columns: 80 });
    assert.ok(lines.length <= 23, `${lines.length} lines`);
    for (const line of lines) assert.ok(line.length <= 80, `${line.length}: ${line}`);
    assert.equal(lines.filter((line) => line.includes('▶ ')).length, 4, 'three steps, and the first phase, which goes on');
  });

  it('tells a log only what has changed', () => {
    const before = { progress: job({ 'keep-secrets': running }), details: {} };
    const after = { progress: job({ 'keep-secrets': done, 'check-feature': running }), details: { 'check-feature': 'Pending' } } as const;
    assert.deepEqual(changes(before, after), [
      '✔ Generate and keep every password: done after 0:07',
      '▶ Check the access to Dedicated HSM',
      '  Check the access to Dedicated HSM: Pending',
    ]);
    assert.deepEqual(changes(after, after), []);
  });
});

describe('the question of the demo', () => {
  it('names the HSM, everything in it, and what is lost', () => {
    const text = renderApproval({
      id: 'approve-zeroize-1',
      question: 'May the HSM be erased?',
      loses: 'All partitions and keys.',
      hsm: {
        serial: '66331',
        label: 'LunaHSM',
        firmware: '7.0.3',
        software: '7.2.0-220',
        zeroized: false,
        fips: false,
        soAttemptsLeft: 3,
        partitions: [{ serial: '1238696044952', name: 'old', objects: 4, usedBytes: 812 }],
        bytesInUse: 812,
        digest: 'd',
      },
      requestedBy: 'kylo',
      secondPerson: false,
      askedAt: at(0),
      deadline: at(50),
    }).join('\n');
    for (const told of ['66331', 'LunaHSM', 'old (serial 1238696044952): 4 objects', 'What is lost: All partitions and keys.', 'approve-zeroize-1'])
      assert.ok(text.includes(told), told);
  });
});

describe('text on the console', () => {
  it('shows durations as people write them', () => assert.deepEqual([duration(7_900), duration(750_000), duration(3_723_000)], ['0:07', '12:30', '1:02:03']));
  it('never lets a foreign text move the cursor', () => assert.equal(clip('a\x1b[2Jb\nc', 40), 'a [2Jb c'));
  it('is cut and broken at the width', () => {
    assert.equal(clip('abcdef', 4), 'abc…');
    assert.deepEqual(wrap('one two three', 9, '  '), ['  one two', '  three']);
  });
});
