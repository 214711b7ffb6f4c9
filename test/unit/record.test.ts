import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { StepFailure, wordsOf } from '../../domain/failure.ts';
import { type Subject, subjects, type Writer } from '../../stores/record/events.ts';
import { folderNumberedStore } from '../../stores/record/folder-store.ts';
import type { NumberedStore } from '../../stores/record/numbered-store.ts';
import { createRecords, Stale } from '../../stores/record/record.ts';
import { sealedStore } from '../../stores/record/sealed-store.ts';
import { createFileStore } from '../../stores/secrets/file-store.ts';
import { requireUserSecret } from '../../stores/secrets/kept.ts';
import { memoryNumberedStore } from '../support/numbered-store.ts';
import { aNumberedStore } from '../support/numbered-store-suite.ts';

const writer: Writer = { jobId: 'kylo', runId: 'run-1', execution: 'fips-mode', attempt: 1, retry: 1 };
const another: Writer = { ...writer, attempt: 2 };

describe('A record store in memory', () => {
  const values = new Map<string, string>();
  aNumberedStore(() => memoryNumberedStore(values));
});

describe('A record store in a folder', () => {
  let home: string;
  const folder = () => join(home, 'record');
  const secrets = () => createFileStore({ folder: join(home, 'secrets'), keyFile: join(home, 'key') });
  const open = () => sealedStore(folderNumberedStore(folder()), secrets());
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'hsm-record-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  describe('without a seal', () => aNumberedStore(() => folderNumberedStore(folder())));
  describe('sealed', () => aNumberedStore(open));

  it('takes names of letters, digits and dashes in up to four parts, and nothing else', async () => {
    for (const name of ['', '/x', 'x/', '../x', 'x/../y', 'x//y', 'a b', 'a.b', 'ä', 'a/b/c/d/e', 'n'.repeat(128)]) {
      await assert.rejects(async () => folderNumberedStore(folder()).create(name, 'value'), /cannot be the name of an entry/, name);
      await assert.rejects(async () => folderNumberedStore(folder()).get(name), /cannot be the name of an entry/, name);
    }
  });

  it('has nothing in clear on the disk, and nothing that others may read', async () => {
    await open().create('kylo/hsm/000001', 'opensesame');
    const file = join(folder(), 'kylo', 'hsm', '000001.entry');
    assert.ok(!readFileSync(file, 'latin1').includes('opensesame'));
    for (const path of [file, join(folder(), 'kylo'), folder()]) assert.equal(statSync(path).mode & 0o077, 0, path);
  });

  it('refuses an entry that was changed, or moved to another name', async () => {
    await open().create('kylo/hsm/000001', 'first');
    const at = (name: string) => join(folder(), 'kylo', 'hsm', `${name}.entry`);
    writeFileSync(at('000002'), readFileSync(at('000001')));
    await assert.rejects(open().get('kylo/hsm/000002'), /sealed with another key, or it was changed/);
    const sealed = Buffer.from(readFileSync(at('000001'), 'utf8'), 'base64');
    sealed[sealed.length - 1]! ^= 1;
    writeFileSync(at('000001'), sealed.toString('base64'));
    await assert.rejects(open().get('kylo/hsm/000001'), /sealed with another key, or it was changed/);
    writeFileSync(at('000001'), '');
    await assert.rejects(open().get('kylo/hsm/000001'), /sealed with another key, or it was changed/);
  });

  it('creates no other key where the key of its entries is missing', async () => {
    await open().create('kylo/hsm/000001', 'first');
    const key = join(home, 'secrets', 'record-key.secret');
    renameSync(key, `${key}.away`);
    await assert.rejects(open().create('kylo/hsm/000002', 'second'), /record-key: .*missing, but the target record has entries/);
    await assert.rejects(open().get('kylo/hsm/000001'), /record-key: .*missing/);
    renameSync(`${key}.away`, key);
    assert.equal(await open().get('kylo/hsm/000001'), 'first');
  });

  it('ignores drafts that a process left behind, and leaves none itself', async () => {
    await open().create('kylo/hsm/000001', 'first');
    writeFileSync(join(folder(), 'kylo', 'hsm', '.draft-left-behind'), 'half an ent');
    assert.deepEqual(await open().list('kylo/hsm/'), ['kylo/hsm/000001']);
    await open().create('kylo/hsm/000001', 'lost');
    assert.deepEqual(readdirSync(join(folder(), 'kylo', 'hsm')).sort(), ['.draft-left-behind', '000001.entry']);
  });

  const appending = (): string => {
    const [store, record] = ['folder-store', 'record'].map((name) => new URL(`../../stores/record/${name}.ts`, import.meta.url).href);
    return `const { folderNumberedStore } = await import(${JSON.stringify(store)});
      const { createRecords } = await import(${JSON.stringify(record)});
      const [folder, name, most] = process.argv.slice(1);
      const records = createRecords(folderNumberedStore(folder));
      let won = 0;
      while (won < Number(most)) {
        const record = records.of('kylo', 'hsm', { jobId: name, runId: 'r', execution: 'e', attempt: 1, retry: 1 });
        await record.read();
        try { await record.append('so-sign-in', { outcome: 'tried' }); won++; process.stdout.write('.'); } catch (error) { if (error.name !== 'Stale') throw error; }
      }`;
  };
  const start = (name: string, most: number) =>
    spawn(process.execPath, ['--input-type=module', '-e', appending(), folder(), name, String(most)], { stdio: ['ignore', 'pipe', 'inherit'] });

  it('gives each number to one of several processes', async () => {
    const won = await Promise.all(['one', 'two', 'three'].map(async (name) => text(start(name, 15).stdout)));
    assert.deepEqual(won, ['.'.repeat(15), '.'.repeat(15), '.'.repeat(15)]);
    const entries = await createRecords(folderNumberedStore(folder())).of('kylo', 'hsm', writer).read();
    assert.deepEqual(
      entries.map(({ n }) => n),
      Array.from({ length: 45 }, (_, index) => index + 1),
    );
    for (const name of ['one', 'two', 'three']) assert.equal(entries.filter(({ jobId }) => jobId === name).length, 15, name);
  });

  it('shows whole entries alone after a process was killed in the middle of its work', async () => {
    const killed = start('killed', 100_000);
    const ended = once(killed, 'exit');
    let told = '';
    for await (const chunk of killed.stdout) {
      told += chunk;
      if (told.length >= 20) killed.kill('SIGKILL');
    }
    await ended;
    const record = createRecords(folderNumberedStore(folder())).of('kylo', 'hsm', writer);
    const before = await record.read();
    assert.ok(before.length >= told.length, `${told.length} were told, ${before.length} are there`);
    assert.equal((await record.append('so-sign-in', { outcome: 'refused' })).n, before.length + 1);
  });
});

describe('A target record', () => {
  let values: Map<string, string>;
  const records = (store: NumberedStore = memoryNumberedStore(values)) => createRecords(store);
  const hsm = (by = writer) => records().of('kylo', 'hsm', by);
  beforeEach(() => {
    values = new Map();
  });

  it('has numbered entries that say who entered what, with a random id each', async () => {
    const record = hsm();
    assert.deepEqual(await record.read(), []);
    await record.append('erase-begun', { act: 'fips-mode', approvalId: 'approve-zeroize-1', digest: 'abc' });
    await record.append('erase-ended', { act: 'fips-mode', outcome: 'erased' });
    const entries = await hsm(another).read();
    assert.deepEqual(
      entries.map(({ id: _, at: __, ...fields }) => fields),
      [
        { ...writer, n: 1, event: 'erase-begun', data: { act: 'fips-mode', approvalId: 'approve-zeroize-1', digest: 'abc' } },
        { ...writer, n: 2, event: 'erase-ended', data: { act: 'fips-mode', outcome: 'erased' } },
      ],
    );
    assert.equal(new Set(entries.map(({ id }) => id)).size, 2);
    assert.deepEqual(await record.read(), entries, 'who appended knows the same');
  });

  it('refuses whoever has not read what another one appended, until it reads again', async () => {
    const [one, other] = [hsm(), hsm(another)];
    await Promise.all([one.read(), other.read()]);
    await one.append('so-sign-in', { outcome: 'tried' });
    const isStale = (error: unknown) => error instanceof Stale && error.problem.kind === 'Transient' && /kylo\/hsm\/000001/.test(error.message);
    await assert.rejects(other.append('so-sign-in', { outcome: 'tried' }), isStale);
    await assert.rejects(other.append('so-sign-in', { outcome: 'tried' }), isStale, 'and again: it did not read');
    await assert.rejects(hsm(another).append('so-sign-in', { outcome: 'tried' }), isStale, 'nor who never read');
    assert.equal((await other.read()).length, 1);
    assert.equal((await other.append('so-sign-in', { outcome: 'tried' })).n, 2);
  });

  it('lets one of many writers of the same number win', async () => {
    const all = Array.from({ length: 30 }, (_, index) => hsm({ ...writer, attempt: index + 1 }));
    await Promise.all(all.map((record) => record.read()));
    const outcomes = await Promise.allSettled(all.map((record) => record.append('so-sign-in', { outcome: 'tried' })));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof Stale);
    assert.equal((await hsm().read()).length, 1);
  });

  it('lets branches that work on three subjects append 100 entries each at once, none refused', async () => {
    const home = mkdtempSync(join(tmpdir(), 'hsm-record-'));
    try {
      const secrets = createFileStore({ folder: join(home, 'secrets'), keyFile: join(home, 'key') });
      const open = () => records(sealedStore(folderNumberedStore(join(home, 'record')), secrets));
      const branch = async (subject: 'windows' | 'ciphertrust' | 'deployment') => {
        const record = open().of('kylo', subject, writer);
        await record.read();
        await Promise.all(Array.from({ length: 100 }, () => record.append('secret-given', { machine: subject, purpose: 'key' })));
      };
      await Promise.all([branch('windows'), branch('ciphertrust'), branch('deployment')]);
      for (const subject of ['windows', 'ciphertrust', 'deployment'] as const) {
        const entries = await open().of('kylo', subject, another).read();
        assert.deepEqual(
          entries.map(({ n }) => n),
          Array.from({ length: 100 }, (_, index) => index + 1),
        );
      }
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  it('keeps targets and subjects apart', async () => {
    await hsm().append('so-sign-in', { outcome: 'tried' });
    assert.deepEqual(await records().of('kylo-2', 'hsm', writer).read(), []);
    assert.deepEqual(await records().of('kyl', 'hsm', writer).read(), []);
    for (const subject of subjects.filter((one): one is Exclude<Subject, 'hsm'> => one !== 'hsm'))
      assert.deepEqual(await records().of('kylo', subject, writer).read(), []);
  });

  describe('cannot be read', () => {
    const entered = (change: (entry: Record<string, unknown>) => unknown) => {
      const [name, text] = [...values].at(-1)!;
      values.set(name, JSON.stringify(change(JSON.parse(text))));
    };
    const refuses = (seen: RegExp) =>
      assert.rejects(hsm().read(), (error) => error instanceof StepFailure && error.problem.kind === 'Unsafe' && seen.test(wordsOf(error.problem)));
    beforeEach(async () => {
      const record = hsm();
      for (let n = 1; n <= 4; n++) await record.append('so-sign-in', { outcome: 'tried' });
    });

    it('with an entry missing', async () => {
      values.delete('kylo/hsm/000003');
      await refuses(/damaged: entry 3 is missing/);
    });

    it('with an entry gone that was read before', async () => {
      const record = hsm();
      await record.read();
      values.delete('kylo/hsm/000004');
      await assert.rejects(record.read(), /entry 4 was there and is gone/);
    });

    it('with something under its prefix that is no entry', async () => {
      values.set('kylo/hsm/5', '{}');
      await refuses(/kylo\/hsm\/5 is not the name of an entry/);
    });

    it('with an event that this version does not know', async () => {
      entered((entry) => ({ ...entry, event: 'decommissioned' }));
      await refuses(/cannot be read: entry 4 has the unknown event "decommissioned"/);
    });

    it('with the name of an inherited property for an event', async () => {
      entered((entry) => ({ ...entry, event: 'constructor' }));
      await refuses(/unknown event/);
    });

    it('with data of another form', async () => {
      for (const data of [{}, { outcome: 'accepted', more: 1 }, { outcome: 'unheard' }, undefined, 'tried']) {
        entered((entry) => ({ ...entry, data }));
        await refuses(/entry 4 \(so-sign-in\) has an unexpected form/);
      }
    });

    it('with an entry of another number in its place, a text, or no JSON', async () => {
      entered((entry) => ({ ...entry, n: 3 }));
      await refuses(/entry 4 carries the number of another entry/);
      entered(() => 'tried');
      await refuses(/entry 4 is not an entry/);
      values.set('kylo/hsm/000004', '{"n":4,');
      await refuses(/entry 4 is not an entry/);
    });
  });

  it('does not take what it could not read again', async () => {
    const record = hsm();
    const wrong = { outcome: 'unheard' } as unknown as { outcome: 'tried' };
    await assert.rejects(record.append('so-sign-in', wrong), /unexpected form/);
    assert.equal(values.size, 0);
    assert.equal((await record.append('so-sign-in', { outcome: 'tried' })).n, 1, 'the failure blocks nothing');
  });

  it('finds an entry that a list missed because it was written meanwhile', async () => {
    const record = hsm();
    for (let n = 1; n <= 3; n++) await record.append('so-sign-in', { outcome: 'tried' });
    const store = memoryNumberedStore(values);
    const racing: NumberedStore = { ...store, list: async (prefix) => (await store.list(prefix)).filter((name) => !name.endsWith('2')) };
    assert.equal((await records(racing).of('kylo', 'hsm', another).read()).length, 3);
  });

  it('reads an entry once, since entries never change', async () => {
    let reads = 0;
    const store = memoryNumberedStore(values);
    const counting: NumberedStore = { ...store, get: (name) => store.get(name).finally(() => reads++) };
    for (let n = 1; n <= 3; n++) {
      await hsm().read();
      const record = hsm();
      await record.read();
      await record.append('so-sign-in', { outcome: 'tried' });
    }
    const record = records(counting).of('kylo', 'hsm', writer);
    await record.read();
    await record.read();
    assert.equal(reads, 3);
  });

  it('has a key that no request may use as a secret of its own', async () => {
    const store = { get: async () => 'do-not-tell', create: async (_: string, value: string) => value };
    for (const name of ['record-key', 'Record-Key']) await assert.rejects(requireUserSecret(store, name), /no request may use/);
    assert.equal(await requireUserSecret(store, 'ntp-key'), 'do-not-tell');
  });

  it('asks for the key again after the secret store failed', async () => {
    const home = mkdtempSync(join(tmpdir(), 'hsm-record-'));
    try {
      let failures = 1;
      const kept = new Map<string, string>();
      const failing = {
        get: async (name: string) => {
          if (failures-- > 0) throw new Error('no space left');
          return kept.get(name);
        },
        create: async (name: string, value: string) => kept.set(name, value) && value,
      };
      const store = sealedStore(folderNumberedStore(home), failing);
      await assert.rejects(store.create('kylo/hsm/000001', 'first'), /no space left/);
      assert.equal((await store.create('kylo/hsm/000001', 'first')).won, true);
      kept.set('record-key', randomBytes(5).toString('base64'));
      await assert.rejects(sealedStore(folderNumberedStore(home), failing).get('kylo/hsm/000001'), /record-key is not a key/);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});
