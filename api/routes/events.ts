import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Jobs, ShownJob } from '../jobs.ts';
import { eventAnswers } from '../schemas/answers.ts';
import { JobParameters } from '../schemas/schemas.ts';

const usuallyEveryMs = 1_000;

/** One look a second at a watched job, however many listen. */
class Watch {
  readonly #listeners = new Set<(job: ShownJob) => void>();
  readonly #look: () => Promise<ShownJob>;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #last = '';

  constructor(look: () => Promise<ShownJob>, everyMs: number) {
    this.#look = look;
    this.#everyMs = everyMs;
  }

  add(listener: (job: ShownJob) => void): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => void this.#tick(), this.#everyMs);
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
    for (const listener of this.#listeners) listener(job);
  }
}

/** One client. What it does not take at once is not piled up for it: it gets the newest when it takes again. */
class Listener {
  readonly #stream: ServerResponse;
  #next: ShownJob | undefined;
  #full = false;

  constructor(stream: ServerResponse) {
    this.#stream = stream;
  }

  send(job: ShownJob): void {
    if (this.#full) {
      this.#next = job;
      return;
    }
    this.#full = !this.#stream.write(`id: ${job.job.revision}\nevent: job\ndata: ${JSON.stringify(job)}\n\n`);
    if (this.#full) this.#stream.once('drain', () => this.#goOn());
  }

  #goOn(): void {
    this.#full = false;
    const next = this.#next;
    this.#next = undefined;
    if (next) this.send(next);
  }
}

/** Server-sent events: the job as it is now, and again after every change; the event’s id is the job’s revision. */
export function eventRoutes(app: FastifyInstance, jobs: Pick<Jobs, 'show'>, everyMs = usuallyEveryMs): void {
  const watches = new Map<string, Watch>();
  app.get<{ Params: { id: string } }>(
    '/v1/provisionings/:id/events',
    { schema: { tags: ['provisionings'], summary: 'Follow a job (server-sent events)', params: JobParameters, response: eventAnswers } },
    async ({ params: { id }, raw }, reply) => {
      const gone = new Promise<void>((resolve) => raw.once('close', resolve));
      const now = await jobs.show(id);
      open(reply);
      // It may have left during that first look: nobody would take it off the list again.
      if (raw.socket.destroyed) return;
      const watch = watches.get(id) ?? new Watch(() => jobs.show(id), everyMs);
      watches.set(id, watch);
      const listener = new Listener(reply.raw);
      listener.send(now);
      const leave = watch.add((job) => listener.send(job));
      void gone.then(() => {
        leave();
        if (watch.idle && watches.get(id) === watch) watches.delete(id);
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
