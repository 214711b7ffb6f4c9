import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Workers } from '../workers.ts';

export interface Measured {
  workers: Workers;
  /** How many errors this process survived that nobody caught. */
  uncaughtErrors: () => number;
}

/** Prometheus metrics of this process at /metrics. */
export function metrics(app: FastifyInstance, { workers, uncaughtErrors }: Measured): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of answered requests',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  new Gauge({
    name: 'hsm_workers',
    help: 'Workers that poll for workflows and for activities; NaN where Temporal does not tell',
    registers: [registry],
    async collect() {
      this.set((await workers.view())?.count ?? Number.NaN);
    },
  });
  new Counter({
    name: 'hsm_uncaught_errors_total',
    help: 'Errors that nobody caught and that this process survived',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(uncaughtErrors());
    },
  });
  app.addHook('onResponse', async (request, reply) => {
    duration.observe({ method: request.method, route: request.routeOptions.url ?? 'unknown', status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  app.get('/metrics', { config: { role: false }, schema: { tags: ['service'], summary: 'Prometheus metrics' } }, async (_, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}
