import { randomUUID } from 'node:crypto';
import type { Progress, StepView } from '../../domain/progress.ts';
import { type StepId, stepIds } from '../../domain/steps.ts';
import type { Seen } from './changes.ts';
import type { Details } from './table.ts';

/** The API refused something: its problem details, as one text. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

interface ProblemDetails {
  title?: string;
  detail?: string;
  errors?: { pointer?: string; field?: string; detail?: string; message?: string }[];
}

function told(status: number, problem: ProblemDetails): string {
  const head = [problem.title, problem.detail].filter(Boolean).join(': ') || `The API answered ${status}.`;
  const mistakes = (problem.errors ?? []).map(({ pointer, field, detail, message }) => `  - ${pointer ?? field ?? ''}: ${detail ?? message ?? ''}`);
  return [head, ...mistakes].join('\n');
}

/** A job as the API tells it: its progress, with what is being said beside every step that runs. */
type JobAnswer = Omit<Progress, 'steps'> & { id: string; steps: Record<StepId, StepView & { detail?: string }>; stuck?: { cause: string } };

/** Speaks to the API as a person would, with that person's token. */
export class Api {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  async send<Answer>(method: 'GET' | 'POST', path: string, token: string, body?: unknown, key = randomUUID()): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(method === 'POST' ? { 'content-type': 'application/json', 'idempotency-key': key } : {}),
    };
    const answer = await fetch(`${this.#base}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }).catch(away);
    const text = await answer.text();
    if (!answer.ok) throw new ApiError(answer.status, told(answer.status, parsed(text)));
    return (text ? JSON.parse(text) : undefined) as Answer;
  }

  /** The job's progress and what the systems say about the steps that run. */
  async look(id: string, token: string): Promise<Seen> {
    const progress = await this.send<JobAnswer>('GET', `/v1/jobs/${id}`, token);
    const details = Object.fromEntries(stepIds.flatMap((step) => (progress.steps[step].detail ? [[step, progress.steps[step].detail]] : []))) as Details;
    return { progress, details, ...(progress.stuck ? { stuck: progress.stuck.cause } : {}) };
  }
}

/** Nobody listens: the API is being restarted, or has ended. */
function away(): never {
  throw new ApiError(503, 'The API does not answer.');
}

function parsed(text: string): ProblemDetails {
  try {
    return JSON.parse(text) as ProblemDetails;
  } catch {
    return { detail: text.slice(0, 300) };
  }
}
