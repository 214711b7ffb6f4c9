import assert from 'node:assert/strict';
import type { StepId } from '../../domain/steps.ts';
import type { StackBench } from './stack-bench.ts';

/** An act of a step: what arrives at a simulated system. */
export interface Act {
  step: StepId;
  operation: string;
}

/** Kills a job’s worker while the simulator holds what an act sent, which is then carried out, and starts a worker again; approves what is to be approved before. */
export async function killWorkerIn(bench: StackBench, id: string, { step, operation }: Act): Promise<void> {
  if (step === 'fips-mode') {
    await bench.approvalAsked(id);
    assert.equal((await bench.approve(id)).status, 200);
  }
  const hold = await bench.held(operation);
  assert.equal((await bench.stack.kill('worker', 'SIGKILL')).signal, 'SIGKILL');
  assert.equal((await bench.job(id)).steps[step].state, 'running', 'the API shows the step with no worker alive');
  await bench.release(hold);
  await bench.stack.restart('worker');
}

/** How often an operation took effect. */
export const effects = async (bench: StackBench, operation: string): Promise<number> =>
  (await bench.ledger(operation)).filter(({ outcome }) => outcome === 'done').length;
