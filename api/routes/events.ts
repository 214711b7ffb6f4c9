import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { isOver } from '../../domain/progress.ts';
import type { JobService } from '../jobs.ts';
import { HttpProblem } from '../problem.ts';
import type { JobView } from '../schemas/responses.ts';
import { eventAnswers } from '../schemas/responses.ts';
import { JobParameters, type JobPath } from '../schemas/schemas.ts';

/** How often a watched job is read, and how long a silent stream goes without a sign of life: proxies cut one that says nothing for 30 to 60 s. */
export interface EventTimes {
  everyMs?: number;
  keepAliveMs?: number;
}

const usually = { everyMs: 1_000, keepAliveMs: 15_000 };
/** A client whose stream was cut comes back after this time. */
const retryMs = 3_000;

/** What is sent of a job at a moment. */
interface JobEvent {
  revision: number;
  text: string;
  isLast: boolean;
}

const eventOf = (job: JobView): JobEvent => ({ revision: job.job.revision, text: JSON.stringify(job), isLast: isOver(job.job.state) });

interface WatchOptions {
  look: () => Promise<JobView>;
  everyMs: number;
  /** Told once when looking begins to fail, and not again until it worked. */
  failed: (error: unknown) => void;
}

/** One look a second at a watched job, however many listen. */
class Watch {
  readonly #listeners = new Set<Listener>();
  readonly #options: WatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #isFailing = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  add(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => void this.#tick(), this.#options.everyMs);
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
    try {
      const event = eventOf(await this.#options.look());
      this.#isFailing = false;
      for (const listener of this.#listeners) listener.send(event);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The stream stays open while Temporal does not answer; a job that is gone has nothing more to tell. */
  #fail(error: unknown): void {
    if (error instanceof HttpProblem && error.status === 404) {
      for (const listener of this.#listeners) listener.end();
      return;
    }
    if (!this.#isFailing) this.#options.failed(error);
    this.#isFailing = true;
  }
}

/** One client: it is told what is new, and after a job's end no more. What it does not take at once is not piled up for it: it gets the newest when it takes again. */
class Listener {
  readonly #stream: ServerResponse;
  #last = '';
  #next: JobEvent | undefined;
  #full = false;

  constructor(stream: ServerResponse, keepAliveMs: number) {
    this.#stream = stream;
    const signs = setInterval(() => this.#signOfLife(), keepAliveMs);
    stream.once('close', () => clearInterval(signs));
  }

  /** A comment, which clients skip. What waits to be taken is sign enough. */
  #signOfLife(): void {
    if (!this.#full && !this.#stream.writableEnded) this.#stream.write(': keep-alive\n\n');
  }

  end(): void {
    this.#stream.end();
  }

  send(event: JobEvent): void {
    if (event.text === this.#last || this.#stream.writableEnded) return;
    if (this.#full) {
      this.#next = event;
      return;
    }
    this.#last = event.text;
    this.#full = !this.#stream.write(`id: ${event.revision}\nevent: job\ndata: ${event.text}\n\n`);
    if (event.isLast) this.#stream.end();
    else if (this.#full) this.#stream.once('drain', () => this.#goOn());
  }

  #goOn(): void {
    this.#full = false;
    const next = this.#next;
    this.#next = undefined;
    if (next) this.send(next);
  }
}

/**
 * Server-sent events: the job as it is now, and again after every change, until it is over; the event’s id is the job’s revision. Between them, comments
 * keep the connection alive. A browser that comes back after the last one is told to stay away, as the HTML standard has it (204). HEAD gets the headers
 * alone, at once.
 */
export function eventRoutes(app: FastifyInstance, jobs: Pick<JobService, 'show'>, times: EventTimes = {}): void {
  const { everyMs, keepAliveMs } = { ...usually, ...times };
  const watches = new Map<string, Watch>();
  app.get<{ Params: JobPath; Headers: { 'last-event-id'?: string } }>(
    '/v1/jobs/:id/events',
    { schema: { tags: ['jobs'], summary: 'Follow a job (server-sent events)', params: JobParameters, response: eventAnswers } },
    async ({ params: { id }, headers, raw }, reply) => {
      const gone = new Promise<void>((resolve) => raw.once('close', resolve));
      const now = eventOf(await jobs.show(id));
      if (now.isLast && headers['last-event-id'] === `${now.revision}`) return reply.code(204).send();
      open(reply);
      if (raw.method === 'HEAD') {
        reply.raw.end();
        return reply;
      }
      reply.raw.write(`retry: ${retryMs}\n\n`);
      // It may have left during that first look: nobody would take it off the list again.
      if (raw.socket.destroyed) return reply;
      const listener = new Listener(reply.raw, keepAliveMs);
      listener.send(now);
      if (now.isLast) return reply;
      const failed = (error: unknown) => app.log.warn({ err: error, job: id }, 'a watched job cannot be read');
      const watch = watches.get(id) ?? new Watch({ look: () => jobs.show(id), everyMs, failed });
      watches.set(id, watch);
      const leave = watch.add(listener);
      void gone.then(() => {
        leave();
        if (watch.idle && watches.get(id) === watch) watches.delete(id);
      });
      return reply;
    },
  );
}

function open(reply: FastifyReply): void {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value);
  reply.raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    connection: 'keep-alive',
  });
}
