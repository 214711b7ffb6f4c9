import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { report } from '../../activities/report/report.ts';
import type { Systems } from '../../activities/systems.ts';
import { type Report, type ReportDraft, reportOf } from '../../domain/report.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { HsmState, StepInput, StepResult } from '../../domain/results.ts';
import { stepIds } from '../../domain/steps.ts';
import { createRecords } from '../../stores/record/record.ts';
import { folderReports } from '../../stores/reports/report-store.ts';
import { folderTranscripts } from '../../stores/reports/transcripts.ts';
import { memoryNumberedStore } from '../support/numbered-store.ts';
import { type Stopped, stoppedBy } from '../support/stopped.ts';
import { zeroizedHsm } from '../support/stub-activities.ts';

describe('The report step', () => {
  const request = JSON.parse(readFileSync(new URL('../../examples/luna-kylo.json', import.meta.url), 'utf8')) as ProvisioningRequest;
  const draft: ReportDraft = {
    target: 'kylo',
    runId: 'run-1',
    outcome: 'aborted',
    finishedAt: '2026-11-24T10:00:00.000Z',
    request,
    progress: {
      job: {
        state: 'running',
        revision: 1,
        startedAt: '2026-11-24T09:00:00.000Z',
        requestedBy: 'olga',
        hsmName: 'h',
        region: 'r',
        warnings: [],
        awaitingApproval: false,
        hasIncident: false,
      },
      steps: Object.fromEntries(stepIds.map((id) => [id, { state: 'pending', attempts: 0 }])) as ReportDraft['progress']['steps'],
      incidents: [],
      approvals: [],
      decisions: [],
    },
    results: {},
  };
  const input: StepInput<'report'> = { target: 'kylo', runId: 'run-1', request, report: draft };
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'hsm-report-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const folder = () => join(home, 'reports');
  const transcripts = () => folderTranscripts(join(home, 'transcripts'));
  const run = (): Promise<StepResult<'report'>> =>
    new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000 }, { logger: new DefaultLogger('ERROR') }).run(
      report({ reports: folderReports(folder()), transcripts: transcripts() } as Systems),
      input,
    );
  const stored = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Report;

  it('tells which doors an early end leaves open, and how to close them', () => {
    const whatNext = (change: Partial<ReportDraft>) => reportOf({ ...draft, ...change }, []).whatNext.join('\n');
    assert.doesNotMatch(whatNext({}), /Doors are open/, 'nothing was made');
    const steps = { ...draft.progress.steps, 'windows-vm': { state: 'done', attempts: 1 } } as const;
    const made = { progress: { ...draft.progress, steps } };
    assert.match(whatNext(made), /The same request, sent again with a new Idempotency-Key, closes them/);
    assert.match(whatNext(made), /az network nsg rule delete -g Luna_kylo_rg --nsg-name \S+-nsg -n provisioner-admin; .*az vm deallocate -g Luna_kylo_rg -n /);
    assert.doesNotMatch(whatNext({ ...made, results: { 'remove-temporary-access': { removedRules: [], deallocated: true } } }), /Doors are open/);
  });

  it('tells where the initial password of CipherTrust Manager may be in force', () => {
    const whatNext = (change: Partial<ReportDraft>) => reportOf({ ...draft, ...change }, []).whatNext.join('\n');
    assert.doesNotMatch(whatNext({}), /initial password/);
    const steps = { ...draft.progress.steps, 'first-boot': { state: 'cancelled', attempts: 1 } } as const;
    const booting = { progress: { ...draft.progress, steps } };
    assert.match(whatNext(booting), /initial password .* may be in force.*az vm deallocate -g Luna_kylo_rg -n mycompany-ciphertrust/);
    assert.doesNotMatch(whatNext({ ...booting, results: { 'admin-password': {} } }), /initial password/);
  });

  it('stores the report with this job’s transcripts, for its owner alone, and says where', async () => {
    await transcripts().append('kylo', 'run-1', 'fips-mode', 'hsm show');
    await transcripts().append('kylo', 'another-run', 'fips-mode', 'hsm init');
    const { json, markdown } = await run();
    assert.deepEqual([json, markdown], [join(folder(), 'kylo-run-1.json'), join(folder(), 'kylo-run-1.md')]);
    assert.deepEqual(
      stored(json).transcripts.map(({ step, text }) => [step, text]),
      [['fips-mode', 'hsm show\n']],
    );
    assert.match(readFileSync(markdown, 'utf8'), /Outcome: \*\*aborted\*\*/);
    assert.deepEqual(readdirSync(folder()).sort(), ['kylo-run-1.json', 'kylo-run-1.md'], 'no drafts are left');
    for (const path of [json, markdown]) assert.equal(statSync(path).mode & 0o077, 0);
  });

  describe('of a completed job', () => {
    const partition = { serial: '1', name: request.hsm.partition.name, objects: 2, usedBytes: 1_660 };
    const sound: HsmState = { ...zeroizedHsm, label: request.hsm.label, fips: true, partitions: [partition] };
    const pinned = { address: '172.22.1.4', pin: 'SHA256:x' };
    const last = { windows: pinned, hsm: pinned, cipherTrust: pinned, partitionSerial: '1', isWayOpen: false };
    const results = () => readdirSync(folder()).sort();
    /** `seen`: what each look at the HSM shows, one after the other. */
    async function completed(lunaVia: 'client' | 'direct', ...seen: HsmState[]): Promise<{ looks: number; problem?: Stopped }> {
      let looks = 0;
      const systems = {
        reports: folderReports(folder()),
        transcripts: transcripts(),
        records: createRecords(memoryNumberedStore()),
        settings: { lunaVia },
        luna: {
          async shell() {
            await transcripts().append('kylo', 'run-1', 'report', 'hsm show');
            return seen[looks++] ?? sound;
          },
        },
      } as unknown as Systems;
      const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000 }, { logger: new DefaultLogger('ERROR') });
      const given = { ...input, report: { ...draft, outcome: 'completed' as const }, last };
      return environment.run(report(systems), given).then(
        () => ({ looks }),
        (error: unknown) => ({ looks, problem: stoppedBy(error) }),
      );
    }
    const erased: HsmState = { ...sound, zeroized: true, label: '', partitions: [] };

    it('looks at the HSM before it is stored and, last of all, after it, where the HSM is reached directly', async () => {
      assert.deepEqual([await completed('direct'), results()], [{ looks: 2 }, ['kylo-run-1.json', 'kylo-run-1.md']]);
    });

    it('is not stored over an HSM that was erased since it was verified', async () => {
      mkdirSync(folder());
      const { looks, problem } = await completed('direct', erased);
      assert.deepEqual([looks, problem?.code, problem?.summary, results()], [1, 'CIPHERTRUST_ROOT_OF_TRUST_WRONG', 'The HSM 572413 is zeroized.', []]);
    });

    it('does not complete the job where the HSM is erased while it is stored', async () => {
      const { looks, problem } = await completed('direct', sound, { ...sound, partitions: [] });
      assert.deepEqual([looks, problem?.kind, problem?.summary], [2, 'Unsafe', 'The partition 1 does not exist any more.']);
    });

    it('looks at the target record alone where the way to the HSM was closed', async () => {
      assert.deepEqual(await completed('client', erased), { looks: 0 });
    });
  });

  it('replaces what is not the report, and leaves alone what is', async () => {
    const { json } = await run();
    const { ino } = statSync(json);
    await run();
    assert.equal(statSync(json).ino, ino, 'it was not written again');
    writeFileSync(json, '{"outcome":"completed"}');
    await run();
    assert.equal(stored(json).outcome, 'aborted');
  });

  it('asks a person where the folder cannot be written to', async () => {
    writeFileSync(folder(), 'a file where the folder should be');
    const failure = await run().then(
      () => assert.fail('it is done'),
      (error: unknown) => error,
    );
    assert.ok(failure instanceof ApplicationFailure && failure.type === 'Refused', String(failure));
    assert.match(failure.message, /reports.*Fix the report folder/);
  });
});
