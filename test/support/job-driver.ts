import { sentence } from '../../domain/failure.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { catalog, type StepId, stepIds } from '../../domain/steps.ts';
import type { JobView, StackBench } from './stack-bench.ts';
import { until } from './until.ts';

/** A person beside a job: approves what is asked, and retries a few incidents, whatever they are. What they were is kept. */
export class JobDriver {
  readonly id: string;
  readonly request: ProvisioningRequest;
  readonly incidents: string[] = [];
  readonly #bench: StackBench;
  readonly #decided = new Set<string>();
  readonly #mostRetries: number;

  static async begin(bench: StackBench, request: ProvisioningRequest): Promise<JobDriver> {
    return new JobDriver(bench, await bench.provision(request), request);
  }

  constructor(bench: StackBench, id: string, request: ProvisioningRequest, mostRetries = 3) {
    this.#bench = bench;
    this.id = id;
    this.request = request;
    this.#mostRetries = mostRetries;
  }

  /** Waits until a step is done, or the job has ended. */
  done(step: StepId): Promise<JobView> {
    return this.#until(`${step} done`, (job) => job.steps[step].state === 'done' || job.job.finishedAt !== undefined);
  }

  /** Waits until a step that follows is done. */
  nextDone(step: StepId): Promise<JobView> {
    const next = stepIds.find((id) => (catalog[id].after as readonly StepId[]).includes(step));
    return next ? this.done(next) : this.ended();
  }

  ended(): Promise<JobView> {
    return this.#until('the end of the job', ({ job }) => job.finishedAt !== undefined);
  }

  /** Waits for something beside the job, deciding meanwhile. */
  meanwhile<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    return until(
      what,
      async () => {
        await this.#decide(await this.#bench.job(this.id));
        return look();
      },
      { timeoutMs: 150_000, everyMs: 300 },
    );
  }

  #until(what: string, wanted: (job: JobView) => boolean): Promise<JobView> {
    return this.meanwhile(what, async () => {
      const job = await this.#bench.job(this.id);
      return job.job && wanted(job) ? job : undefined;
    });
  }

  async #decide(job: JobView): Promise<void> {
    if (!job.job) return;
    for (const { id, closedAt } of job.approvals) if (!closedAt && this.#isNew(id)) await this.#bench.approve(this.id, id);
    for (const { id, closedAt, step, problem } of job.incidents) {
      if (closedAt || !this.#isNew(id)) continue;
      this.incidents.push(`${step}: ${sentence(problem)}`);
      if (this.incidents.length > this.#mostRetries) throw new Error(`too many incidents:\n${this.incidents.join('\n')}`);
      await this.#bench.resolve(this.id, id, 'retry');
    }
  }

  #isNew(id: string): boolean {
    if (this.#decided.has(id)) return false;
    this.#decided.add(id);
    return true;
  }
}
