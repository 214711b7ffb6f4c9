import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { stepIds } from '../../domain/steps.ts';
import { createFileStore, namesIn } from '../../stores/secrets/file-store.ts';
import '../support/quiet.ts';
import { decoded, filesIn, isSecret, leaks, type Place } from '../support/leaks.ts';
import { type StoredJob, storedJob } from '../support/stored-world.ts';
import { testedWorkflowCode } from '../support/workflow-bundle.ts';

/** With a web certificate: `fields-used.test.ts` and `through-host.test.ts`. */
describe('The whole runbook on the embedded stack', function () {
  this.timeout(300_000);
  let stored: StoredJob;
  before(async () => {
    stored = await storedJob();
  });
  const done = (operation: string) => stored.requestLog.filter((entry) => entry.operation === operation && entry.outcome === 'done');

  it('ends with a verified root of trust, every step done', () => {
    const { job, steps } = stored.job;
    assert.equal(job.state, 'completed');
    for (const step of stepIds) assert.equal(steps[step].state, step === 'web-certificate' ? 'not-needed' : 'done', step);
  });

  it('asked before it erased: with serial and label of the HSM, which nothing was sent to by then', () => {
    const [asked] = stored.job.approvals;
    assert.deepEqual([asked!.hsm?.serial, asked!.hsm?.label], ['572413', 'LunaHSM']);
    assert.deepEqual(
      stored.beforeApproval.filter(({ operation }) => operation === 'lunash:hsm changePolicy'),
      [],
    );
  });

  it('reports what was done: HSM, partition, fingerprints, approver, version, entry, names of secrets', () => {
    const { report, markdown } = stored;
    assert.deepEqual(
      report.steps.map(({ id }) => id),
      stepIds,
    );
    assert.deepEqual([report.outcome, report.approvedBy, report.hsm?.serial, report.hsm?.fips], ['completed', 'anna', '572413', true]);
    assert.equal(report.cipherTrust?.entry.serial, report.partition?.serial);
    assert.equal(Object.keys(report.fingerprints).length, 5);
    assert.equal(report.secrets.length, 12);
    assert.ok(report.transcripts.some(({ step, text }) => step === 'initialize-hsm' && /'hsm init' successful/.test(text)));
    assert.match(markdown, /^# Report: kylo-luna-hsm-/);
  });

  it('lists the job and tells it to whoever follows', () => {
    const { id, job, completed, event } = stored;
    assert.deepEqual(completed, [id]);
    assert.match(event, new RegExp(`^retry: \\d+\n\nid: ${job.job.revision}\nevent: job\ndata: \\{"id":"${id}"`));
  });

  it('changed each thing once', () => {
    for (const operation of [
      'lunash:hsm init',
      'lunash:hsm changePolicy',
      'lunash:partition create',
      'lunacm:partition init',
      'ciphertrust:POST /v1/system/hsm/setup',
      'arm:PUT Microsoft.Resources/deployments',
      'windows:installer',
    ])
      assert.equal(done(operation).length, 1, operation);
  });

  it('closed the temporary doors', () => {
    const deleted = stored.requestLog.filter(({ operation }) => operation.startsWith('arm:DELETE '));
    assert.deepEqual(deleted.map(({ operation, target }) => [operation, target.split('/').at(-3)]).sort(), [
      ['arm:DELETE Microsoft.Network/networkSecurityGroups/securityRules', 'lunaclient-nsg'],
      ['arm:DELETE Microsoft.Network/networkSecurityGroups/securityRules', 'mycompany-ciphertrust-nsg'],
    ]);
    assert.ok(done('arm:POST Microsoft.Compute/virtualMachines/deallocate').length > 0);
  });

  it('stays within 300 events and 256 KB of history, and replays from JSON', async () => {
    const { id, history } = stored;
    assert.ok(JSON.parse(history).events.length <= 300, `${JSON.parse(history).events.length} events`);
    assert.ok(history.length <= 256 * 1024 * 2, `${history.length} bytes as JSON`);
    await Worker.runReplayHistory({ workflowBundle: await testedWorkflowCode() }, JSON.parse(history), id);
  });

  it('left no secret anywhere outside the store', async () => {
    const { folder, history, job } = stored;
    const store = createFileStore({ folder: join(folder, 'secrets'), keyFile: join(folder, 'secrets.key') });
    const names = namesIn(join(folder, 'secrets')).filter(isSecret);
    const secrets = (await Promise.all(names.map((name) => store.get(name)))).filter((value) => value !== undefined);
    assert.ok(secrets.length >= 12, `${secrets.length} secrets are searched for`);
    const places: Place[] = [...filesIn(folder, /\/secrets\//), ['decoded history', decoded(history)], ['API', JSON.stringify(job)]];
    assert.ok(places.some(([name]) => name.endsWith('worker.log')));
    assert.deepEqual(leaks(secrets, [['planted', `x${encodeURIComponent(secrets[0]!)}x`]]), ['planted']);
    assert.deepEqual(leaks(secrets, places), []);
  });
});
