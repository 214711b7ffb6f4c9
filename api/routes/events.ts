import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Jobs, ShownJob } from '../jobs.ts';
import { JobParameters } from '../schemas/schemas.ts';

const everyMs = 1_000;

/** One look a second at a watched job, however many listen. */
class Watch {
  readonly #listeners = new Set<(job: ShownJob) => void>();
  readonly #look: () => Promise<ShownJob>;
  #timer: NodeJS.Timeout | undefined;
  #last = '';
  latest: ShownJob | undefined;

  constructor(look: () => Promise<ShownJob>) {
    this.#look = look;
  }

  add(listener: (job: ShownJob) => void): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => void this.#tick(), everyMs);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  get idle(): boolean {
    return this.#listeners.size === 0;
  }

  async #tick(): Promise<void> {
    const job = await this.#look().catch(() => undefined);
    const text = JSON.stringify(job);
    if (!job || text === this.#last) return;
    this.#last = text;
    this.latest = job;
    for (const listener of this.#listeners) listener(job);
  }
}

/** Server-sent events: the job as it is now, and again after every change; the event’s id is the job’s revision. */
export function eventRoutes(app: FastifyInstance, jobs: Jobs): void {
  const watches = new Map<string, Watch>();
  app.get<{ Params: { id: string } }>(
    '/v1/provisionings/:id/events',
    { schema: { tags: ['provisionings'], summary: 'Follow a job (server-sent events)', params: JobParameters } },
    async ({ params: { id }, raw }, reply) => {
      const now = await jobs.show(id);
      const watch = watches.get(id) ?? new Watch(() => jobs.show(id));
      watches.set(id, watch);
      open(reply);
      send(reply, now);
      const leave = watch.add((job) => send(reply, job));
      raw.once('close', () => {
        leave();
        if (watch.idle) watches.delete(id);
      });
    },
  );
}

function open(reply: FastifyReply): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    connection: 'keep-alive',
  });
}

function send(reply: FastifyReply, job: ShownJob): void {
  reply.raw.write(`id: ${job.job.revision}\nevent: job\ndata: ${JSON.stringify(job)}\n\n`);
}
