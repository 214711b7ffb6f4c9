import assert from 'node:assert/strict';
import type { ReportStore } from '../../stores/reports/report-store.ts';
import type { Transcripts } from '../../stores/reports/transcripts.ts';

/** What every store of reports and transcripts keeps to. `open` gives another view of the same store at each call, as another process has. */
export function aReportStore(open: () => { reports: ReportStore; transcripts: Transcripts }): void {
  it('returns a report in both forms, and nothing where there is none', async () => {
    const texts = { json: '{"a":"äß 🔑"}\n', markdown: '# Report\n' };
    await open().reports.put('kylo-run-1', texts);
    const { reports } = open();
    assert.equal(await reports.read('kylo-run-1', 'json'), texts.json);
    assert.equal(await reports.read('kylo-run-1', 'markdown'), texts.markdown);
    assert.equal(await reports.read('kylo-run-2', 'json'), undefined);
    assert.match(reports.placeOf('kylo-run-1', 'markdown'), /[/\\]kylo-run-1\.md$/);
  });

  it('replaces a report', async () => {
    await open().reports.put('kylo-run-3', { json: '{"much":"longer than what comes after it"}', markdown: 'old' });
    await open().reports.put('kylo-run-3', { json: '{}', markdown: 'new' });
    assert.deepEqual([await open().reports.read('kylo-run-3', 'json'), await open().reports.read('kylo-run-3', 'markdown')], ['{}', 'new']);
  });

  it('lists the reports of a target, not what else is there', async () => {
    for (const name of ['listed-run-2', 'listed-run-1', 'other-run-1']) await open().reports.put(name, { json: '{}', markdown: '' });
    await open().transcripts.append('listed', 'run-1', 'fips-mode', 'hsm show');
    assert.deepEqual(await open().reports.list('listed-'), ['listed-run-1', 'listed-run-2']);
  });

  it('takes no name that leads elsewhere', async () => {
    for (const name of ['', '../x', 'a/b', 'transcripts/x', 'a.b', 'n'.repeat(201)]) {
      await assert.rejects(async () => open().reports.read(name, 'json'), /cannot be the name of a report/, name);
      await assert.rejects(async () => open().reports.put(name, { json: '', markdown: '' }), /cannot be the name of a report/, name);
    }
  });

  it('keeps the transcripts of a run, a text for each step, and shows them to others', async () => {
    assert.deepEqual(await open().transcripts.list('kylo', 'nothing-yet'), []);
    await open().transcripts.append('kylo', 'run-1', 'fips-mode', 'hsm show');
    await open().transcripts.append('kylo', 'run-1', 'fips-mode', 'hsm login\n');
    await open().transcripts.append('kylo', 'run-1', 'create-partition', 'partition list');
    await open().transcripts.append('kylo', 'run-10', 'fips-mode', 'of another run');
    const all = await open().transcripts.list('kylo', 'run-1');
    assert.deepEqual(
      all.map(({ step, text }) => [step, text]),
      [
        ['create-partition', 'partition list\n'],
        ['fips-mode', 'hsm show\nhsm login\n'],
      ],
    );
    assert.match(all[0]!.sha256, /^[0-9a-f]{64}$/);
  });

  it('keeps whole what several workers append at once, each in its own order', async () => {
    const writers = ['one', 'two', 'three'];
    const lines = (writer: string) => Array.from({ length: 10 }, (_, index) => `${writer} ${index} ${'x'.repeat(200)}`);
    await Promise.all(
      writers.map(async (writer) => {
        const { transcripts } = open();
        for (const line of lines(writer)) await transcripts.append('busy', 'run-1', 'fips-mode', line);
      }),
    );
    const [{ text } = { text: '' }] = await open().transcripts.list('busy', 'run-1');
    const arrived = text.split('\n').slice(0, -1);
    assert.equal(arrived.length, 30);
    for (const writer of writers)
      assert.deepEqual(
        arrived.filter((line) => line.startsWith(`${writer} `)),
        lines(writer),
      );
  });
}
