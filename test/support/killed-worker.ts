import assert from 'node:assert/strict';
import type { StepId } from '../../domain/steps.ts';
import type { StackBench } from './stack-bench.ts';

/** An act of a step: what arrives at a simulated system. */
export interface Act {
  step: StepId;
  operation: string;
}

/** Gives the approvals that a job asks for to erase its HSM, one after the other: each allows one change, whatever became of it. */
export async function approveErasing(bench: StackBench, id: string, times: number): Promise<void> {
  for (let number = 1; number <= times; number++) {
    await bench.approvalAsked(id, number);
    assert.equal((await bench.approve(id, `approve-zeroize-${number}`)).status, 200);
  }
}

/** Kills a job’s worker while the simulator holds what an act sent, which is then carried out, and starts a worker again. */
export async function killWorkerIn(bench: StackBench, id: string, { step, operation }: Act): Promise<void> {
  const hold = await bench.held(operation);
  assert.equal((await bench.stack.kill('worker', 'SIGKILL')).signal, 'SIGKILL');
  assert.equal((await bench.job(id)).steps[step].state, 'running', 'the API shows the step with no worker alive');
  await bench.release(hold);
  await bench.stack.restart('worker');
}

/** How often an operation took effect. */
export const effects = async (bench: StackBench, operation: string): Promise<number> =>
  (await bench.requestLog(operation)).filter(({ outcome }) => outcome === 'done').length;
