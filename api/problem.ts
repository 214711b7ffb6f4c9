export interface Mistake {
  /** JSON pointer into what was sent. */
  pointer: string;
  detail: string;
}

/** An answer that is no success, as RFC 9457 has it. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly errors: Mistake[] | undefined;
  readonly more: Record<string, unknown>;

  constructor(status: number, title: string, detail: string, { errors, ...more }: { errors?: Mistake[] } & Record<string, unknown> = {}) {
    super(detail);
    this.status = status;
    this.title = title;
    this.errors = errors;
    this.more = more;
  }
}
