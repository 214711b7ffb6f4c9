import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../domain/report.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { azureStores } from '../support/azure-stores.ts';
import { decoded, filesIn, historyOf, isSecret, leaks, type Place } from '../support/leaks.ts';
import { StackBench } from '../support/stack-bench.ts';

const worker = fileURLToPath(new URL('../../worker/main.ts', import.meta.url));

/**
 * Nothing of it is anywhere but inside the network: not a public address, no secret but in a key vault, record and reports in blobs, each reached under its own
 * name through the proxy. Two workers and the API share no folder, and the second worker ends what the first one began.
 */
describe('A job with private access alone, a key vault and blobs', function () {
  this.timeout(240_000);
  let bench: StackBench;
  let id: string;
  let report: Report;
  let second: ChildProcess;
  let secondFolder: string;
  const request = JSON.parse(readFileSync(new URL('../../examples/private-access.json', import.meta.url), 'utf8')) as ProvisioningRequest;
  before(async () => {
    bench = await StackBench.start({
      isAlone: true,
      env: azureStores,
    });
    id = await bench.provision(request);
    await bench.approvalAsked(id);
    secondFolder = mkdtempSync(join(tmpdir(), 'hsm-second-worker-'));
    const { HSM_READY_FILE: _, ...own } = bench.stack.workerEnv;
    const env = { ...process.env, ...own, TEMPORAL_ADDRESS: bench.stack.temporal, HSM_DATA_FOLDER: secondFolder };
    second = spawn(process.execPath, [worker], { env, cwd: secondFolder, stdio: 'ignore' });
    await bench.stack.kill('worker', 'SIGKILL');
    // Taken down, and judged once the second worker has the job.
    const { status } = await bench.approve(id);
    assert.ok(status === 200 || status === 202, `${status}`);
  });
  after(async () => {
    const ended = second && once(second, 'exit');
    second?.kill('SIGKILL');
    await ended;
    await bench?.stop();
    if (secondFolder) rmSync(secondFolder, { recursive: true });
  });

  it('makes the same root of trust, over private addresses', async () => {
    const { job } = await bench.ended(id);
    assert.equal(job.state, 'completed');
    const { body } = await bench.api<Report>('GET', `/v1/jobs/${id}/report`);
    assert.equal(body.cipherTrust?.entry.host, request.hsm.address);
    report = body;
    const told = report.transcripts.map(({ step }) => step);
    for (const step of ['initialize-hsm', 'create-partition']) assert.ok(told.includes(step), `${step} is not among ${told}`);
  });

  it('with each secret written to the vault once, and nowhere else', async () => {
    const written = (await bench.requestLog('vault:PUT secret')).filter(({ outcome }) => outcome === 'done').map(({ target }) => target);
    assert.deepEqual(written.toSorted(), [...report.secrets, 'ntp-key', 'record-key', `${id}-appliance-host-key`, `${id}-kept-purposes`].toSorted());
    const values = await Promise.all(written.filter(isSecret).map((name) => bench.store.get(name)));
    const secrets = values.filter((value) => value !== undefined);
    // ntp-key and record-key are no secrets of the job.
    assert.equal(secrets.length, report.secrets.length + 2);
    for (const name of ['secrets', 'secrets.key', 'record', 'reports']) assert.ok(!existsSync(join(bench.folder, name)), name);
    assert.ok(!existsSync(join(secondFolder, 'reports')) && !existsSync(join(secondFolder, 'record')));
    const places: Place[] = [
      // The simulated vault is in the state of the simulated world.
      ...filesIn(bench.folder, /\/simulator\/state\.json/),
      ['history', decoded(await historyOf(bench.stack.temporal, id))],
      ['report', JSON.stringify(report)],
    ];
    assert.ok(places.length > 10, `${places.length} places are searched`);
    assert.deepEqual(leaks(secrets, places), []);
  });

  it('without any public address but the gateway’s', async () => {
    assert.deepEqual(await bench.requestLog('arm:PUT Microsoft.Network/publicIPAddresses'), []);
    const { body } = await bench.control<{ resources: { id: string; type: string }[] }>('GET', '/world');
    const named = (type: string) => body.resources.filter((resource) => resource.type.endsWith(`/${type}`)).map((resource) => resource.id.split('/').at(-1));
    assert.deepEqual(named('publicIPAddresses'), ['HSMInside-ergwpip']);
    assert.deepEqual(named('virtualMachines').sort(), ['inside-ciphertrust', 'lunaclient']);
  });
});
