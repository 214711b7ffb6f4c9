import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { wordsOf } from '../../domain/failure.ts';
import { exampleRequest } from '../support/example.ts';
import { StackBench } from '../support/stack-bench.ts';

interface ProblemBody {
  detail: string;
  errors?: { pointer: string; detail: string }[];
  job?: string;
}

const key = () => ({ 'idempotency-key': randomUUID() });

describe('A stack that is met by', function () {
  this.timeout(240_000);
  let bench: StackBench;
  before(async () => {
    bench = await StackBench.start({ isAlone: true, timeScale: 600 });
  });
  after(() => bench?.stop());

  describe('bad input', () => {
    // What the bench itself has stored is no part of this.
    before(() => bench.control('DELETE', '/request-log'));
    const refusedWith = async (status: number, body: object | undefined, path = '/v1/provisionings', method = 'POST') => {
      const answer = await bench.api<ProblemBody>(method, path, body, key());
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      return answer.body;
    };

    it('that breaks six rules is refused naming all six, and nothing is touched', async () => {
      const request = exampleRequest();
      request.hsm.name = 'x';
      request.hsm.label = '1st';
      request.azure.region = 'atlantis';
      request.azure.adminSources = ['*'];
      request.network.gateway.range = '172.22.255.0/28';
      request.cipherTrust.adminUser = 'root';
      const { errors } = await refusedWith(422, request);
      assert.deepEqual(errors?.map(({ pointer }) => pointer).sort(), [
        '/azure/adminSources/0',
        '/azure/region',
        '/cipherTrust/adminUser',
        '/hsm/label',
        '/hsm/name',
        '/network/gateway/range',
      ]);
      assert.deepEqual(await bench.requestLog(), []);
    });

    it('of the wrong shape is refused with every mistake and its place', async () => {
      const request = exampleRequest() as unknown as Record<string, Record<string, unknown>>;
      request['hsm']!['fips'] = 'yes';
      request['hsm']!['color'] = 'red';
      delete request['azure']!['region'];
      const { errors } = await refusedWith(400, request);
      assert.deepEqual(errors?.map(({ pointer }) => pointer).sort(), ['/azure/region', '/hsm/color', '/hsm/fips']);
    });

    it('that is too large, unknown or not signed in is refused', async () => {
      await refusedWith(413, { text: 'x'.repeat(300 * 1024) });
      await refusedWith(404, undefined, '/v1/jobs/no-such-job', 'GET');
      await refusedWith(404, { decision: 'approve' }, '/v1/nothing');
      await refusedWith(403, { decision: 'approve' }, '/v1/jobs/no-such-job/approvals/approve-zeroize-1');
      assert.equal((await fetch(`${bench.stack.api}/v1/jobs`)).status, 401);
      assert.deepEqual(await bench.requestLog(), []);
    });
  });

  describe('faults on the way to the HSM', () => {
    let id: string;
    const request = exampleRequest();
    const first = key();
    before(async () => {
      // What is deployed is still being deployed when the job is cancelled.
      await bench.fault('never', 'arm:provisioning Microsoft.Network/virtualNetworkGateways');
      await bench.control('POST', '/feature', { state: 'NotRegistered' });
      request.lunaClient.installer.sha256 = 'a'.repeat(64);
      id = (await bench.api<{ id: string }>('POST', '/v1/provisionings', request, first)).body.id;
    });

    it('a feature that is not registered is an incident with the request for access; after the registration a retry goes on', async () => {
      const { step, problem } = await bench.incident(id);
      assert.equal(step, 'check-feature');
      assert.match(problem.remedy, /no longer onboards new customers.*HSMrequest@Microsoft\.com.*westus2/s);
      await bench.control('POST', '/feature', { state: 'Registered' });
      assert.equal((await bench.resolve(id, 'incident-1', 'retry')).status, 200);
      await bench.reaches(id, 'check-feature done', ({ steps }) => steps['check-feature'].state === 'done', { incidents: true });
    });

    it('a busy HSM takes no second job; the same key finds the first one, but not with another body', async () => {
      assert.equal((await bench.api<ProblemBody>('POST', '/v1/provisionings', request, key())).status, 409);
      assert.equal((await bench.api<{ id: string }>('POST', '/v1/provisionings', request, first)).body.id, id);
      assert.equal((await bench.api('POST', '/v1/provisionings', { ...request, removeTemporaryAccess: false }, first)).status, 422);
    });

    it('an installer with the wrong SHA-256 is not run', async () => {
      const job = await bench.reaches(id, 'the incident of the installation', ({ incidents }) => incidents.some(({ step }) => step === 'install-luna-client'), {
        incidents: true,
      });
      assert.match(wordsOf(job.incidents.at(-1)!.problem), /SHA-256/);
      assert.deepEqual(await bench.requestLog('windows:installer'), []);
    });

    it('with no worker alive the API still shows the step that runs and what it said last', async () => {
      const before = await bench.reaches(id, 'the deployment’s detail', ({ steps }) => 'detail' in steps['deploy-hsm'], { incidents: true });
      assert.equal(before.steps['deploy-hsm'].state, 'running');
      await bench.stack.kill('worker', 'SIGTERM');
      const { steps } = await bench.job(id);
      assert.equal(steps['deploy-hsm'].state, 'running');
      assert.match((steps['deploy-hsm'] as { detail?: string }).detail ?? '', /gateway HSMLuna-ergw/);
      await bench.stack.restart('worker');
    });

    it('a cancel during the deployment ends the job with a list of what exists', async () => {
      assert.equal((await bench.api('POST', `/v1/jobs/${id}/cancel`)).status, 202);
      const { job, steps } = await bench.ended(id, { incidents: true });
      assert.equal(job.state, 'cancelled');
      assert.equal(steps['deploy-hsm'].state, 'cancelled');
      assert.ok(
        job.inventory?.some((line) => line.includes('virtualNetworkGateways HSMLuna-ergw')),
        job.inventory?.join('; '),
      );
    });
  });
});
