import type { Client } from '@temporalio/client';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { Jobs } from './jobs.ts';
import { auth, type Tokens } from './plugins/auth.ts';
import { documentation } from './plugins/documentation.ts';
import { metrics } from './plugins/metrics.ts';
import { problems } from './plugins/problems.ts';
import { RequestLog } from './plugins/request-log.ts';
import { validation } from './plugins/validation.ts';
import { decisionRoutes } from './routes/decisions.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { planRoutes } from './routes/plans.ts';
import { provisioningRoutes } from './routes/provisionings.ts';
import { reportRoutes } from './routes/report.ts';
import { lookWhatIf } from './what-if.ts';
import { Workers } from './workers.ts';

export interface AppOptions {
  client: Client;
  /** Of this installation’s workers. */
  taskQueue: string;
  tokens: Tokens;
  reportsFolder: string;
  logger?: FastifyServerOptions['logger'];
  /** How long a plan waits for a worker’s look at what is there. */
  whatIfPatienceMs?: number;
  /** How many errors this process survived that nobody caught. */
  uncaughtErrors?: () => number;
}

const bodyLimitBytes = 256 * 1024;

/** The API, ready to listen or to be injected into. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { client, taskQueue, tokens, reportsFolder, logger = false, whatIfPatienceMs, uncaughtErrors = () => 0 } = options;
  const app = Fastify({ logger, logController: new RequestLog(), bodyLimit: bodyLimitBytes, forceCloseConnections: true });
  problems(app);
  validation(app);
  await documentation(app);
  auth(app, tokens);
  const workers = new Workers(client, taskQueue);
  metrics(app, { workers, uncaughtErrors });
  const jobs = new Jobs(client, taskQueue, workers);
  healthRoutes(app, jobs, workers);
  planRoutes(app, (request) => lookWhatIf(client, taskQueue, request, whatIfPatienceMs));
  provisioningRoutes(app, jobs);
  decisionRoutes(app, jobs);
  eventRoutes(app, jobs);
  reportRoutes(app, jobs, reportsFolder);
  return app;
}
