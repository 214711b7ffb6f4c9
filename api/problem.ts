export interface Mistake {
  /** JSON pointer into what was sent. */
  pointer: string;
  detail: string;
}

export const problemMediaType = 'application/problem+json; charset=utf-8';

interface Extras {
  errors?: Mistake[];
  /** What a system below said: for the log alone. */
  cause?: unknown;
  /** Response headers that belong to this problem, such as Retry-After. */
  headers?: Record<string, string>;
}

/** An answer that is no success, as RFC 9457 has it. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly title: string;
  readonly errors: Mistake[] | undefined;
  readonly headers: Record<string, string>;
  readonly more: Record<string, unknown>;

  constructor(status: number, title: string, detail: string, { errors, cause, headers = {}, ...more }: Extras & Record<string, unknown> = {}) {
    super(detail, cause === undefined ? {} : { cause });
    this.status = status;
    this.title = title;
    this.errors = errors;
    this.headers = headers;
    this.more = more;
  }
}

/** The body of a problem’s answer. */
export const problemBody = ({ status, title, message: detail, errors, more }: HttpProblem, requestId?: string): Record<string, unknown> => ({
  type: 'about:blank',
  title,
  status,
  detail,
  ...(errors ? { errors } : {}),
  ...more,
  ...(requestId === undefined ? {} : { requestId }),
});
