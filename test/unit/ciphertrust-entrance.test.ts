import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decideEntrance } from '../../activities/entrance.ts';
import type { Problem } from '../../domain/failure.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { folderTranscripts } from '../../stores/reports/transcripts.ts';
import { type Knock, toTry } from '../../systems/ciphertrust/entrance.ts';
import { type Fate, PasswordLog, type Which } from '../../systems/ciphertrust/password-log.ts';

const job = { target: 'kylo-1', runId: 'run', request: {} as ProvisioningRequest };

describe('The way in', () => {
  const knock = (change: Partial<Knock>): Knock => ({ signedIn: false, left: ['kept', 'default'], found: [], ...change });

  it('shows one wrong password an attempt: the next one is for the next attempt, soon', () => {
    const pause = 'the kept password is refused';
    assert.deepEqual(decideEntrance(knock({ left: ['default', 'generated'], pause, found: [pause] }), job), {
      kind: 'wait',
      why: 'CipherTrust Manager: the kept password is refused; the default one is next.',
      retryAfterMs: 1_000,
    });
    assert.deepEqual(decideEntrance(knock({ left: ['default'] }), job), { kind: 'act', change: 'replace-password' });
  });

  it('waits while the account is locked', () => {
    const locked: Problem = { kind: 'NotReady', tried: 'waiting', seen: 'locked, for 5 minutes', source: '', remedy: '', retryAfterMs: 300_000 };
    const next = decideEntrance(knock({ left: ['generated'], found: ['the default password is refused'], locked }), job);
    assert.deepEqual(next, { kind: 'wait', why: 'locked, for 5 minutes', retryAfterMs: 300_000 });
  });

  it('ends inside, or with a person who is told all that was found and what to do', () => {
    assert.equal(decideEntrance(knock({ signedIn: true }), job), undefined);
    const end = decideEntrance(knock({ left: [], found: ['the kept password is refused', 'the default password is refused'] }), job);
    assert.ok(end?.kind === 'stop');
    assert.equal(end.problem.seen, 'the kept password is refused; the default password is refused');
    assert.match(end.problem.remedy, /kylo-1-ciphertrust-admin-password/);
  });
});

describe('The order in which admin’s passwords are tried', () => {
  const initial: Which[] = ['default', 'generated'];
  const shown = (order: string, ...all: [Which, Fate][]) => all.map(([which, fate]) => ({ which, fate, why: '', order, at: '2026-01-01T00:00:00.000Z' }));
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

describe('The log of admin’s passwords', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-log-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const log = () => new PasswordLog(folderTranscripts(folder), job);
  const all = [
    { which: 'kept', fate: 'is refused', why: '', order: '7' },
    { which: 'generated', fate: 'cannot be read as ksadmin', why: 'ssh: connection (order 3) refused', order: '7' },
    { which: 'default', fate: 'is being replaced', why: '', order: '12' },
    { which: 'default', fate: 'was replaced', why: '', order: '12' },
    { which: 'generated', fate: 'met a locked account', why: '', order: '13' },
  ] as const;
  const withoutTimes = async () => (await log().shown()).map(({ at: _, ...shown }) => shown);

  it('knows which were shown and what was said, across all who write it', async () => {
    assert.deepEqual(await log().shown(), []);
    for (const shown of all) await log().write(shown);
    assert.deepEqual(await withoutTimes(), all);
    assert.ok((await log().shown()).every(({ at }) => Date.parse(at) > 0));
  });

  it('takes no line that its writer did not finish, and loses none after it, wherever it was cut', async () => {
    const [first, torn, next] = all;
    await log().write(torn);
    const { text } = (await folderTranscripts(folder).list(job.target, job.runId))[0]!;
    for (let length = 0; length < text.length; length++) {
      writeFileSync(join(folder, `${job.target}-${job.runId}`, 'admin-password.txt'), text + text.slice(0, length));
      await log().write(first);
      await log().write(next);
      assert.deepEqual(await withoutTimes(), [torn, first, next], `cut after ${length} letters`);
    }
  });

  it('is not taken for empty where it cannot be read', async () => {
    writeFileSync(join(folder, `${job.target}-${job.runId}`), 'a file in place of the folder');
    await assert.rejects(log().shown(), /ENOTDIR/);
  });
});
