import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ActivityId } from '../../../domain/steps.ts';
import { secretName } from '../../../stores/secrets/store.ts';
import { AzureBench } from '../../support/azure-bench.ts';
import type { StepOrder } from '../../support/azure-step-process.ts';
import { until } from '../../support/until.ts';

const file = fileURLToPath(new URL('../../support/azure-step-process.ts', import.meta.url));

interface Ended {
  result?: object;
  problem?: string;
}

describe('A worker that is killed while Azure holds a request', function () {
  this.timeout(180_000);
  let bench: AzureBench;
  let waiting: ChildProcess;
  const processes = new Set<ChildProcess>();
  /** Starts a process that waits for an order. */
  const start = (): ChildProcess => {
    const child = fork(file, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    processes.add(child);
    return child;
  };
  const kill = async (child: ChildProcess) => {
    processes.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };

  beforeEach(async () => {
    bench = await newBench();
    waiting = start();
  });
  afterEach(async () => {
    await Promise.all([...processes].map(kill));
    await bench.stop();
  });

  async function newBench(): Promise<AzureBench> {
    const made = await AzureBench.start();
    await made.systems.secrets.create(secretName(made.target, 'windows-admin-password'), 'A-password-of-Windows-1');
    return made;
  }

  /** What the steps need, and what came before each of them. */
  const steps: Record<string, (on: AzureBench) => Promise<{ step: ActivityId; needs: object }>> = {
    'virtual-network': async (on) => {
      await on.step('register-providers', {});
      await on.step('resource-group', {});
      return { step: 'virtual-network', needs: {} };
    },
    'deploy-hsm': async (on) => ({ step: 'deploy-hsm', needs: await on.network() }),
    'windows-vm': async (on) => ({ step: 'windows-vm', needs: await machineNeeds(on) }),
    'install-luna-client': async (on) => {
      const vm = await on.step('windows-vm', await machineNeeds(on));
      return { step: 'install-luna-client', needs: { vm, publicKey: 'ssh-rsa AAAAB3Nz test' } };
    },
    'remove-temporary-access': async (on) => ({ step: 'remove-temporary-access', needs: { windowsVm: await on.step('windows-vm', await machineNeeds(on)) } }),
  };
  async function machineNeeds(on: AzureBench) {
    const { computeSubnetId } = await on.network();
    const { windowsImage: image } = await on.step('check-availability', {});
    return { computeSubnetId, image };
  }

  /** The requests that a step makes, each once, in their order. */
  async function requestsOf(name: string): Promise<string[]> {
    const clean = await newBench();
    try {
      const { step, needs } = await steps[name]!(clean);
      clean.world.requestLog.clear();
      await clean.step(step, needs as never);
      return [...new Set(clean.arrived('arm:*').map(({ operation }) => operation))];
    } finally {
      await clean.stop();
    }
  }

  for (const name of Object.keys(steps))
    it(`in ${name}: whichever it is, the next one looks first and goes on; each thing is made once`, async () => {
      const requests = await requestsOf(name);
      const { step, needs } = await steps[name]!(bench);
      bench.world.requestLog.clear();
      const order: StepOrder = { environment: bench.env, step, input: { ...bench.job, ...needs }, scheduledAt: Date.now(), attempts: 0 };
      /** The step in a process of its own, until it ends or is held at a request. */
      const carryOut = async (): Promise<{ child: ChildProcess; hold?: string; ended?: Ended }> => {
        const child = waiting;
        waiting = start();
        let ended: Ended | undefined;
        child.once('message', (told: Ended) => {
          ended = told;
        });
        child.send(order);
        return until(
          `${step} held or ended`,
          async () => {
            const hold = bench.world.faults.held()[0]?.id;
            return hold ? { child, hold } : ended ? { child, ended } : undefined;
          },
          { timeoutMs: 60_000 },
        );
      };
      const met: string[] = [];
      for (const request of requests) {
        bench.fault('hold', request);
        const { child, hold } = await carryOut();
        await kill(child);
        bench.world.faults.clear();
        if (!hold) continue;
        met.push(request);
        order.attempts++;
      }
      const { child, ended } = await carryOut();
      await kill(child);
      assert.equal(ended?.problem, undefined);
      const changes = requests.filter((request) => /^arm:(PUT|DELETE) |\/deallocate$/.test(request));
      assert.deepEqual(
        changes.filter((request) => !met.includes(request)),
        [],
        'it was killed in every change',
      );
      assert.ok(met.length >= 2, met.join(', '));
      const effects = changes.flatMap((change) => bench.arrived(change, 'done').map(({ target }) => `${change} ${target}`));
      assert.deepEqual(effects, [...new Set(effects)], 'each took effect once');
      for (const change of changes)
        assert.ok(
          effects.some((effect) => effect.startsWith(change)),
          `${change} took effect`,
        );
    });
});
