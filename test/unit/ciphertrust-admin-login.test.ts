import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decideAdminLogin } from '../../activities/admin-login.ts';
import { type Problem, wordsOf } from '../../domain/failure.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { isKeptKnownRight, isKeptRefused, type LoginOutcome, unheardOfKept, type Which } from '../../stores/record/admin-passwords.ts';
import { AttemptRecord } from '../../stores/record/attempt-record.ts';
import { createRecords, Stale } from '../../stores/record/record.ts';
import { folderTranscripts } from '../../stores/reports/transcripts.ts';
import { type LoginState, toTry } from '../../systems/ciphertrust/admin-login.ts';
import { PasswordRecord } from '../../systems/ciphertrust/password-record.ts';
import { memoryNumberedStore } from '../support/numbered-store.ts';

const job = { target: 'kylo-1', runId: 'run', request: {} as ProvisioningRequest };

describe('The way in', () => {
  const login = (change: Partial<LoginState>): LoginState => ({ signedIn: false, left: ['kept', 'default'], found: [], ...change });

  it('shows one wrong password an attempt: the next one is for the next attempt, soon', () => {
    const pause = 'the stored password is refused';
    const next = decideAdminLogin(login({ left: ['default', 'generated'], pause, found: [pause] }), job);
    assert.ok(next?.kind === 'wait' && next.retryAfterMs === 1_000);
    assert.match(next.why, /the stored password is refused.*default password is tried next/);
    assert.deepEqual(decideAdminLogin(login({ left: ['default'] }), job), { kind: 'act', change: 'replace-password' });
  });

  it('waits while the account is locked', () => {
    const locked: Problem = { kind: 'NotReady', code: 'WAITING', tried: 'waiting', summary: 'locked, for 5 minutes', remedy: '', retryAfterMs: 300_000 };
    const next = decideAdminLogin(login({ left: ['generated'], found: ['the default password is refused'], locked }), job);
    assert.deepEqual(next, { kind: 'wait', why: 'locked, for 5 minutes', retryAfterMs: 300_000 });
  });

  it('ends inside, or with a person who is told all that was found and what to do', () => {
    assert.equal(decideAdminLogin(login({ signedIn: true }), job), undefined);
    const end = decideAdminLogin(login({ left: [], found: ['the stored password is refused', 'the default password is refused'] }), job);
    assert.ok(end?.kind === 'stop');
    assert.equal(wordsOf(end.problem), 'the stored password is refused; the default password is refused');
    assert.match(end.problem.remedy, /kylo-1-ciphertrust-admin-password/);
  });
});

describe('The order in which admin’s passwords are tried', () => {
  const initial: Which[] = ['default', 'generated'];
  const shown = (order: string, ...all: [Which, LoginOutcome][]) =>
    all.map(([which, outcome]) => ({ which, outcome, why: '', order, at: '2026-01-01T00:00:00.000Z' }));
  const refused = (order: string) => shown(order, ['kept', 'is refused'], ['default', 'is refused'], ['generated', 'cannot be read as ksadmin']);

  it('begins with the kept one, and after a wipe with an initial one', () => {
    assert.deepEqual(toTry('kept', initial, []), ['kept', 'default', 'generated']);
    assert.deepEqual(toTry('initial', initial, []), ['default', 'kept', 'generated']);
    assert.deepEqual(toTry('initial', ['default'], []), ['default', 'kept']);
  });

  it('begins after a wipe with the initial one that worked before', () => {
    const before = shown('7', ['kept', 'is refused'], ['default', 'is refused'], ['generated', 'was replaced']);
    assert.deepEqual(toTry('initial', initial, before), ['generated', 'kept', 'default']);
  });

  it('gives each the first place in turn once all were tried in vain, since after that the account may be locked without a word', () => {
    const orders = ['1', '2', '3', '4'].map((_, done, all) => toTry('initial', initial, all.slice(0, done + 1).flatMap(refused)));
    assert.deepEqual(
      orders.map(([first]) => first),
      ['kept', 'generated', 'default', 'kept'],
    );
    for (const order of orders) assert.deepEqual(order.toSorted(), ['default', 'generated', 'kept']);
  });

  it('stays as it was where not all were tried, and forgets what was before another one was replaced', () => {
    assert.deepEqual(toTry('initial', initial, refused('1').slice(0, 2)), ['default', 'kept', 'generated']);
    assert.deepEqual(toTry('initial', initial, [...refused('1'), ...shown('2', ['default', 'was replaced'])]), ['default', 'kept', 'generated']);
  });
});

describe('The record of admin’s passwords', () => {
  let folder: string;
  beforeEach(() => {
    entries.clear();
    folder = mkdtempSync(join(tmpdir(), 'hsm-passwords-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const entries = new Map<string, string>();
  /** Of an attempt under an order. */
  const recordOf = (execution: string) => {
    const records = createRecords(memoryNumberedStore(entries));
    const writer = { jobId: job.target, runId: job.runId, execution, attempt: 1, retry: 1 };
    const record = new AttemptRecord(() => records.of(job.target, 'ciphertrust', writer));
    return new PasswordRecord({ record, transcripts: folderTranscripts(folder), job, step: 'admin-password', order: `${job.runId}/${execution}`, execution });
  };
  const all = [
    ['7', 'kept', 'is tried'],
    ['7', 'kept', 'is refused'],
    ['7', 'generated', 'cannot be read yet', 'ssh: connection (order 3) refused'],
    ['7', 'generated', 'cannot be read as ksadmin', 'it holds none'],
    ['12', 'default', 'is being replaced'],
    ['12', 'default', 'was replaced'],
    ['13', 'kept', 'met a locked account'],
    ['13', 'kept', 'was not judged', '502 Bad Gateway'],
    ['13', 'kept', 'is accepted'],
  ] as const;

  it('knows which were shown and what was said, whoever showed them; people read the same in the transcript', async () => {
    assert.deepEqual(await recordOf('7').shown(), []);
    for (const [execution, which, outcome, why] of all) await recordOf(execution).write(which, outcome, why);
    const known = (await recordOf('14').shown()).map(({ at: _, ...shown }) => shown);
    assert.deepEqual(
      known,
      all.map(([execution, which, outcome, why = '']) => ({ which, outcome, why, order: `run/${execution}` })),
    );
    const [{ text } = assert.fail('no transcript')] = await folderTranscripts(folder).list(job.target, job.runId);
    assert.deepEqual(
      text
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(25)),
      [
        'the stored password is refused (order 7)',
        'the generated password cannot be read yet: ssh: connection (order 3) refused (order 7)',
        'the generated password cannot be read as ksadmin: it holds none (order 7)',
        'the default password is being replaced (order 12)',
        'the default password was replaced (order 12)',
        'the stored password met a locked account (order 13)',
        'the stored password was not judged: 502 Bad Gateway (order 13)',
      ],
    );
  });

  it('lets no password leave where another attempt entered something since the last look, and keeps what came of one all the same', async () => {
    const [first, second] = [recordOf('7'), recordOf('7')];
    await Promise.all([first.shown(), second.shown()]);
    await first.write('default', 'is being replaced');
    await assert.rejects(second.write('default', 'is being replaced'), Stale);
    await second.write('kept', 'is refused');
    await first.write('default', 'was replaced');
    assert.deepEqual(
      (await recordOf('8').shown()).map(({ outcome }) => outcome),
      ['is being replaced', 'is refused', 'was replaced'],
    );
    await assert.rejects(first.write('generated', 'is being replaced'), Stale, 'it has not seen what the other one entered');
  });

  it('knows whether the kept one is right as far as anybody heard', () => {
    const shown = (order: string, ...outcomes: [Which, LoginOutcome][]) => outcomes.map(([which, outcome]) => ({ which, outcome, why: '', order, at: '' }));
    assert.equal(isKeptKnownRight([]), false);
    assert.equal(isKeptKnownRight(shown('1', ['default', 'was replaced'])), true);
    assert.equal(isKeptKnownRight(shown('1', ['kept', 'is accepted'], ['kept', 'is tried'])), true);
    assert.equal(isKeptKnownRight(shown('1', ['kept', 'is accepted'], ['kept', 'is refused'])), false);
    assert.equal(isKeptRefused(shown('1', ['kept', 'is refused']), '1'), true);
    assert.equal(isKeptRefused(shown('1', ['kept', 'is refused']), '2'), false, 'a person ordered it again');
    assert.equal(isKeptRefused(shown('1', ['kept', 'is refused'], ['default', 'was replaced']), '1'), false);
    assert.equal(unheardOfKept(shown('1', ['kept', 'is refused'], ['kept', 'is tried'], ['kept', 'is tried']), '1'), 2);
    assert.equal(unheardOfKept(shown('1', ['kept', 'is tried']), '2'), 0);
  });
});
