import type { Client } from '@temporalio/client';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import type { ReportStore } from '../stores/reports/report-store.ts';
import { bodyLimitBytes } from './framework-problems.ts';
import { JobService } from './jobs.ts';
import { auth, type Tokens } from './plugins/auth.ts';
import { documentation } from './plugins/documentation.ts';
import { frameworkAnswers, frameworkOptions } from './plugins/framework-answers.ts';
import { metrics } from './plugins/metrics.ts';
import { problems } from './plugins/problems.ts';
import { RequestLog } from './plugins/request-log.ts';
import { validation } from './plugins/validation.ts';
import { decisionRoutes } from './routes/decisions.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { jobRoutes } from './routes/jobs.ts';
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
  reports: ReportStore;
  logger?: FastifyServerOptions['logger'];
  /** How long a plan waits for a worker’s look at what is there. */
  whatIfPatienceMs?: number;
  /** How long a stream of events says nothing before it gives a sign of life. */
  eventKeepAliveMs?: number;
  /** How many errors this process survived that nobody caught. */
  uncaughtErrors?: () => number;
}

/** The API, ready to listen or to be injected into. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { client, taskQueue, tokens, reports, logger = false, whatIfPatienceMs, eventKeepAliveMs, uncaughtErrors = () => 0 } = options;
  const app = Fastify({ logger, logController: new RequestLog(), bodyLimit: bodyLimitBytes, forceCloseConnections: true, ...frameworkOptions });
  problems(app);
  frameworkAnswers(app);
  validation(app);
  await documentation(app);
  auth(app, tokens);
  const workers = new Workers(client, taskQueue);
  metrics(app, { workers, uncaughtErrors });
  const jobs = new JobService(client, taskQueue, workers);
  healthRoutes(app, jobs, workers);
  planRoutes(app, (request) => lookWhatIf(client, taskQueue, request, whatIfPatienceMs));
  provisioningRoutes(app, jobs);
  jobRoutes(app, jobs);
  decisionRoutes(app, jobs);
  eventRoutes(app, jobs, eventKeepAliveMs === undefined ? {} : { keepAliveMs: eventKeepAliveMs });
  reportRoutes(app, jobs, reports);
  return app;
}
