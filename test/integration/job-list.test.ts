import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../api/app.ts';
import { folderReports } from '../../stores/reports/report-store.ts';
import { exampleRequest } from '../support/example.ts';
import type { Published } from '../support/published-workflow.ts';
import '../support/quiet.ts';
import { type TestTemporal, temporalServer } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const tokens = { operator: 'the-operators-token', approver: 'the-approvers-token' };
const headers = { authorization: `Bearer ${tokens.operator}` };
const taskQueue = 'listed';
const at = '2026-03-01T10:00:00.000Z';
const flag = (name: string, value: boolean): SearchAttributePair => ({ key: defineSearchAttributeKey(name, 'BOOL'), value });

const nothingOpen = { awaitingApproval: false, hasIncident: false };
const jobMemo = (state: string) => ({
  state,
  revision: 3,
  startedAt: at,
  requestedBy: 'olga',
  hsmName: 'hsm',
  region: 'westus2',
  warnings: [],
  ...nothingOpen,
});
const approval = {
  id: 'approve-zeroize-1-abcdef',
  question: 'Erase it?',
  loses: 'all',
  requestedBy: 'olga',
  secondPerson: false,
  askedAt: at,
  deadline: at,
};
const incident = {
  id: 'incident-1-abcdef',
  step: 'ntp',
  problem: { kind: 'Transient', code: 'AZURE_BUSY', tried: 'a', summary: 'b', remedy: 'd' },
  actions: ['retry'],
  openedAt: at,
};

interface Listed {
  id: string;
  state: string;
  awaitingApproval: boolean;
  hasIncident: boolean;
}

/** Jobs that publish what the test says, in a Temporal server of the test’s own. */
describe('The list of jobs', function () {
  this.timeout(120_000);
  let server: TestTemporal;
  let native: NativeConnection;
  let client: Client;
  let worker: Worker;
  let run: Promise<void>;
  let app: FastifyInstance;
  const publish = (workflowId: string, published: Published) =>
    client.workflow.start('provision', { taskQueue, workflowId, args: [published], workflowTaskTimeout: '5s' });
  before(async () => {
    server = await temporalServer();
    native = await NativeConnection.connect({ address: server.address });
    client = new Client({ connection: await Connection.connect({ address: server.address }) });
    const workflowsPath = fileURLToPath(new URL('../support/published-workflow.ts', import.meta.url));
    const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
    worker = await Worker.create({ connection: native, taskQueue, workflowBundle });
    run = worker.run();
    app = await buildApp({ client, taskQueue, tokens, reports: folderReports('/nowhere') });
  });
  after(async () => {
    await app?.close();
    worker?.shutdown();
    await run;
    await client?.connection.close();
    await native?.close();
    await server?.stop();
  });

  const list = async (query: string): Promise<Listed[]> => {
    const answer = await app.inject({ url: `/v1/jobs?${query}`, headers });
    assert.equal(answer.statusCode, 200, answer.body);
    return answer.json().jobs;
  };
  const ids = async (query: string) => (await list(query)).map(({ id }) => id).sort();

  it('finds a job from its first moment by who asked, what for, and where', async () => {
    const quiet = await buildApp({ client, taskQueue: `nobody-${randomUUID()}`, tokens, reports: folderReports('/nowhere') });
    const started = await quiet.inject({ method: 'POST', url: '/v1/provisionings', headers, payload: exampleRequest() });
    assert.equal(started.statusCode, 202, started.body);
    const { id } = started.json();
    assert.equal(started.headers.location, `/v1/jobs/${id}`);
    const { searchAttributes } = await client.workflow.getHandle(id).describe();
    const { BuildIds: _, ...ours } = searchAttributes;
    assert.deepEqual(ours, {
      JobState: ['running'],
      Procedure: ['provision'],
      HsmName: ['kylo-luna-hsm'],
      AzureRegion: ['westus2'],
      RequestedBy: ['operator'],
      AwaitingApproval: [false],
      HasIncident: [false],
    });
    assert.equal((await quiet.inject({ url: '/v1/provisionings', headers })).statusCode, 405, 'it starts jobs and shows none');
    await client.workflow.getHandle(id).terminate();
    await quiet.close();
  });

  it('shows an approver every open approval, beside an open incident, too', async () => {
    await publish('both', {
      memo: { job: jobMemo('incident'), [approval.id]: approval, [incident.id]: incident },
      attributes: [flag('AwaitingApproval', true), flag('HasIncident', true)],
    });
    await publish('asks', { memo: { job: jobMemo('awaiting-approval'), [approval.id]: approval }, attributes: [flag('AwaitingApproval', true)] });
    await publish('stopped', { memo: { job: jobMemo('incident'), [incident.id]: incident }, attributes: [flag('HasIncident', true)] });
    await until(
      'all of them listed',
      async () => ((await ids('hasIncident=true')).length === 2 && (await ids('awaitingApproval=true')).length === 2) || undefined,
    );
    assert.deepEqual(await ids('awaitingApproval=true'), ['asks', 'both']);
    assert.deepEqual(await ids('state=awaiting-approval'), ['asks', 'both']);
    assert.deepEqual(await ids('hasIncident=true'), ['both', 'stopped']);
    assert.deepEqual(await ids('state=incident'), ['both', 'stopped']);
    assert.deepEqual(await ids('awaitingApproval=true&hasIncident=true'), ['both']);
    const [both] = (await list('awaitingApproval=true')).filter(({ id }) => id === 'both');
    assert.deepEqual([both?.state, both?.awaitingApproval, both?.hasIncident], ['incident', true, true]);
  });

  it('asks nobody for a decision about a job that was ended by force', async () => {
    await client.workflow.getHandle('both').terminate('by force');
    await until('it is gone', async () => ((await ids('awaitingApproval=true')).includes('both') ? undefined : true));
    assert.ok(!(await ids('state=incident')).includes('both'));
    const [both] = (await list('state=failed')).filter(({ id }) => id === 'both');
    assert.deepEqual([both?.awaitingApproval, both?.hasIncident], [false, false]);
  });

  it('calls a job stuck whose workflow task keeps failing, with the cause, and nothing else so', async () => {
    const throws = 'face.warnings is not iterable';
    await client.workflow.start('provision', { taskQueue, workflowId: 'broken', args: [{ throws }], workflowTaskTimeout: '1s' });
    const show = async (id: string) => (await app.inject({ url: `/v1/jobs/${id}`, headers })).json();
    const { job, stuck } = await until('it is shown as stuck', async () => {
      const shown = await show('broken');
      return shown.job.state === 'stuck' ? shown : undefined;
    });
    assert.equal(job.state, 'stuck');
    assert.match(stuck.cause, /face\.warnings is not iterable/);
    assert.ok(stuck.attempts >= 3, `${stuck.attempts} attempts`);
    await until('it is listed as stuck', async () => ((await ids('state=stuck')).includes('broken') ? true : undefined), { timeoutMs: 60_000 });
    assert.deepEqual(await ids('state=stuck'), ['broken']);
    assert.ok(!(await ids('state=running')).includes('broken'));
    assert.deepEqual([(await show('asks')).job.state, (await show('asks')).stuck], ['awaiting-approval', undefined]);
    await client.workflow.getHandle('broken').terminate();
    await until('it is listed no more', async () => ((await ids('state=stuck')).length === 0 ? true : undefined));
    assert.equal((await show('broken')).job.state, 'failed');
  });
});
