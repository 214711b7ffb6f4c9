import { randomUUID } from 'node:crypto';
import type { JobView, ProblemView } from '../../api/schemas/responses.ts';
import { stepIds } from '../../domain/steps.ts';
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

function told(status: number, problem: Partial<ProblemView>): string {
  const head = [problem.title, problem.detail].filter(Boolean).join(': ') || `The API returned status ${status}.`;
  const mistakes = (problem.errors ?? []).map(({ pointer, detail }) => `  - ${pointer}: ${detail}`);
  return [head, ...mistakes].join('\n');
}

/** Speaks to the API as a person would, with that person's token. */
export class Api {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  async send<Answer>(token: string, method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(method === 'POST' ? { 'content-type': 'application/json', 'idempotency-key': randomUUID() } : {}),
    };
    const answer = await fetch(`${this.#base}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }).catch(away);
    const text = await answer.text();
    if (!answer.ok) throw new ApiError(answer.status, told(answer.status, parsed(text)));
    return (text ? JSON.parse(text) : undefined) as Answer;
  }

  /** The job's progress and what the systems say about the steps that run. */
  async look(id: string, token: string): Promise<Seen> {
    const progress = await this.send<JobView>(token, 'GET', `/v1/jobs/${id}`);
    const details = Object.fromEntries(stepIds.flatMap((step) => (progress.steps[step].detail ? [[step, progress.steps[step].detail]] : []))) as Details;
    return { progress, details, ...(progress.stuck ? { stuck: progress.stuck.cause } : {}) };
  }
}

/** Nobody listens: the API is being restarted, or has ended. */
function away(): never {
  throw new ApiError(503, 'The API does not respond.');
}

function parsed(text: string): Partial<ProblemView> {
  try {
    return JSON.parse(text) as Partial<ProblemView>;
  } catch {
    return { detail: text.slice(0, 300) };
  }
}
