import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import type { Report } from '../../domain/report.ts';
import { stepIds } from '../../domain/steps.ts';
import { type Identity, selfSigned } from '../../simulator/certificates.ts';
import { seenOf } from '../../systems/certificates.ts';
import '../support/quiet.ts';
import { exampleRequest } from '../support/example.ts';
import { decoded, filesIn, historyOf, isSecret, leaks, type Place } from '../support/leaks.ts';
import { type JobView, StackBench } from '../support/stack-bench.ts';
import { testedWorkflowCode } from '../support/workflow-bundle.ts';

describe('The whole runbook on the embedded stack', function () {
  this.timeout(180_000);
  let bench: StackBench;
  let id: string;
  let job: JobView;
  let history: string;
  let face: Identity;

  before(async () => {
    bench = await StackBench.start({ inFolders: true });
    face = await selfSigned({ commonName: 'keys.example.com', names: { dns: ['keys.example.com'] } });
    await bench.keep('web-certificate', `${face.privateKeyPem}\n${face.certificatePem}`);
    const request = exampleRequest();
    Object.assign(request.cipherTrust, { hostName: 'keys.example.com', webCertificate: { secret: 'web-certificate' } });
    id = await bench.provision(request);
    const asked = await bench.approvalAsked(id);
    assert.deepEqual([asked.approvals[0]!.hsm?.serial, asked.approvals[0]!.hsm?.label], ['572413', 'LunaHSM']);
    assert.equal((await bench.requestLog('lunash:hsm changePolicy')).length, 0);
    assert.equal((await bench.approve(id)).status, 200);
    job = await bench.ended(id);
    history = await historyOf(bench.stack.temporal, id);
  });
  after(() => bench?.stop());

  it('ends with a verified root of trust, every step done', () => {
    assert.equal(job.job.state, 'completed');
    for (const step of stepIds) assert.equal(job.steps[step].state, 'done', step);
  });

  it('reports what was done: HSM, partition, fingerprints, approver, version, entry, names of secrets', async () => {
    const { body } = await bench.api<Report>('GET', `/v1/jobs/${id}/report`);
    assert.deepEqual(
      body.steps.map(({ id }) => id),
      stepIds,
    );
    assert.deepEqual([body.outcome, body.approvedBy, body.hsm?.serial, body.hsm?.fips], ['completed', 'anna', '572413', true]);
    assert.equal(body.cipherTrust?.entry.serial, body.partition?.serial);
    assert.equal(Object.keys(body.fingerprints).length, 5);
    assert.equal(body.secrets.length, 12);
    assert.equal(body.fingerprints['CipherTrust Manager web certificate'], seenOf(face.certificatePem).fingerprint);
    assert.ok(body.transcripts.some(({ step, text }) => step === 'initialize-hsm' && /'hsm init' successful/.test(text)));
    const markdown = await fetch(`${bench.stack.api}/v1/jobs/${id}/report`, {
      headers: { authorization: `Bearer ${bench.stack.tokens.operator}`, accept: 'text/markdown' },
    });
    assert.match(await markdown.text(), /^# Report: kylo-luna-hsm-/);
  });

  it('lists the job and tells it to whoever follows', async () => {
    const { body } = await bench.api<{ jobs: { id: string; state: string }[] }>('GET', '/v1/jobs?state=completed');
    assert.deepEqual(
      body.jobs.map(({ id, state }) => [id, state]),
      [[id, 'completed']],
    );
    const following = new AbortController();
    const events = await fetch(`${bench.stack.api}/v1/jobs/${id}/events`, {
      headers: { authorization: `Bearer ${bench.stack.tokens.operator}` },
      signal: following.signal,
    });
    const told: string[] = [];
    for await (const chunk of events.body!.pipeThrough(new TextDecoderStream())) if (told.push(chunk) && chunk.includes('data:')) break;
    following.abort();
    assert.match(told.join(''), new RegExp(`^retry: \\d+\n\nid: ${job.job.revision}\nevent: job\ndata: \\{"id":"${id}"`));
  });

  it('changed each thing once', async () => {
    for (const operation of [
      'lunash:hsm init',
      'lunash:hsm changePolicy',
      'lunash:partition create',
      'lunacm:partition init',
      'ciphertrust:POST /v1/system/hsm/setup',
      'arm:PUT Microsoft.Resources/deployments',
      'windows:installer',
    ])
      assert.equal((await bench.requestLog(operation)).filter(({ outcome }) => outcome === 'done').length, 1, operation);
  });

  it('closed the temporary doors', async () => {
    const deleted = await bench.requestLog('arm:DELETE *');
    assert.deepEqual(deleted.map(({ operation, target }) => [operation, target.split('/').at(-3)]).sort(), [
      ['arm:DELETE Microsoft.Network/networkSecurityGroups/securityRules', 'lunaclient-nsg'],
      ['arm:DELETE Microsoft.Network/networkSecurityGroups/securityRules', 'mycompany-ciphertrust-nsg'],
    ]);
    assert.ok((await bench.requestLog('arm:POST Microsoft.Compute/virtualMachines/deallocate')).length > 0);
  });

  it('stays within 300 events and 256 KB of history, and replays from JSON', async () => {
    assert.ok(JSON.parse(history).events.length <= 300, `${JSON.parse(history).events.length} events`);
    assert.ok(history.length <= 256 * 1024 * 2, `${history.length} bytes as JSON`);
    await Worker.runReplayHistory({ workflowBundle: await testedWorkflowCode() }, JSON.parse(history), id);
  });

  it('left no secret anywhere outside the store', async () => {
    const kept = readdirSync(join(bench.folder, 'secrets')).map((file) => file.replace(/\.secret$/, ''));
    const names = kept.filter(isSecret);
    const secrets = (await Promise.all(names.map((name) => bench.store.get(name)))).filter((value) => value !== undefined);
    assert.ok(secrets.length >= 13, `${secrets.length} secrets are searched for`);
    const places: Place[] = [...filesIn(bench.folder, /\/secrets\//), ['decoded history', decoded(history)], ['API', JSON.stringify(job)]];
    assert.deepEqual(leaks(secrets, [['planted', `x${encodeURIComponent(secrets[0]!)}x`]]), ['planted']);
    assert.deepEqual(leaks(secrets, places), []);
  });
});
