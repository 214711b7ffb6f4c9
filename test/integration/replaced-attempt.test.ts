import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { initializeHsm } from '../../activities/hsm-setup/initialize-hsm.ts';
import type { Entry } from '../../simulator/request-log.ts';
import '../support/quiet.ts';
import { AzureBench } from '../support/azure-bench.ts';
import { LunaSteps } from '../support/luna/luna-steps.ts';
import { ReplacedBench } from '../support/replaced/replaced-bench.ts';
import { until } from '../support/until.ts';

const patient = { timeoutMs: 60_000 };

/** Everything that a worker has written down. */
const _written = (folder: string): string =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((file) => file.isFile())
        .map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'))
        .join('\n')
    : '';

describe('An attempt that was replaced while it could not run', function () {
  this.timeout(180_000);
  let bench: ReplacedBench;
  before(async () => {
    bench = await ReplacedBench.start();
  });
  after(() => bench?.stop());

  it('types nothing at the question where it was stopped, and its successor begins nothing under an approval that is used', async () => {
    let arrived: (entry: Entry) => void = () => {};
    const luna = await LunaSteps.start({ arrived: (entry) => arrived(entry) });
    try {
      luna.setUpHsm();
      const { hsm } = await luna.step(initializeHsm, { ...luna.job, ...luna.hosts });
      await bench.keep(luna.values);
      await bench.remember(luna.entries);
      const taskQueue = randomUUID();
      const env = { HSM_PROXY: `socks5://127.0.0.1:${luna.world.socks.port}` };
      // It waits longer than it is stopped: else its own patience would end the session before the permit is asked.
      const first = await bench.worker('first', taskQueue, { ...env, HSM_COMMAND_MS: '150000' });
      const stopped = new Promise<Entry>((resolve) => {
        arrived = (entry) => {
          if (entry.operation !== 'lunash:hsm changePolicy') return;
          arrived = () => {};
          process.kill(first.pid, 'SIGSTOP');
          resolve(entry);
        };
      });
      const approval = { approvalId: 'approve-zeroize-1', digest: hsm.digest, actor: 'anna' };
      await (await bench.begin('enter-approval', { ...luna.job, ...approval }, taskQueue)).result();
      const { approvalId } = approval;
      const step = await bench.begin('fips-mode', { ...luna.job, ...luna.hosts, approvedDigest: hsm.digest, approvalId }, taskQueue);
      const question = await stopped;
      await bench.worker('second', taskQueue, env);
      const { result } = (await step.result()) as { result: { outcome: string } };
      assert.equal(result.outcome, 'approval-used', 'a person is asked once more');
      process.kill(first.pid, 'SIGCONT');
      await until('the first attempt to leave its session', async () => (question.outcome === 'received' ? undefined : true), patient);
      assert.deepEqual([question.outcome, question.detail], ['cut', undefined], 'neither an answer nor Ctrl-C was typed');
      assert.deepEqual(luna.arrived('lunash:hsm changePolicy', 'done'), []);
      assert.equal(luna.world.appliance.state.counts.policyChanges, 0);
    } finally {
      await luna.stop();
    }
  });

  it('sends no PUT to Azure over a connection whose TLS was finished after it', async () => {
    const azure = await AzureBench.start();
    try {
      const taskQueue = randomUUID();
      const arm = await bench.gate(Number(new URL(azure.azure.arm).port));
      const temporal = await bench.wayToTemporal();
      const env = azure.env as Record<string, string>;
      const reading = 'arm:GET Microsoft.Resources/resourceGroups';
      const creating = 'arm:PUT Microsoft.Resources/resourceGroups';
      await bench.worker('stalled', taskQueue, { ...env, HSM_ARM_ENDPOINT: `https://127.0.0.1:${arm.port}`, HSM_AZURE_TIMEOUT_MS: '60000' }, temporal);
      // The first look waits until the successor is there: a held handshake is given up after a while.
      azure.fault('hold', reading);
      const step = await bench.begin('resource-group', azure.job, taskQueue);
      const look = await until('the first look to be held', async () => azure.world.faults.held()[0], patient);
      await bench.worker('other', taskQueue, env);
      arm.holds = () => true;
      azure.world.faults.release(look.id);
      await until('the connection to be held', async () => arm.held || undefined, patient);
      temporal.cut();
      await step.result();
      assert.equal(azure.arrived(creating).length, 1);
      const connections = arm.passed;
      arm.release();
      await until('the connection to be closed', async () => (arm.passed > connections && arm.open === 0) || undefined, patient);
      assert.equal(azure.arrived(creating).length, 1);
    } finally {
      await azure.stop();
    }
  });
});
