import { setTimeout as pause } from 'node:timers/promises';
import type { Problem, StepFailure } from '../domain/failure.ts';
import type { FailureCode } from '../domain/failure-codes.ts';
import type { AzureConnection, AzureFault } from './azure-connection.ts';

/** What became of a question, for whoever decides whether it is asked again. */
export interface Explained {
  /** Without anything that was sent: no cause hangs on it. */
  failure: StepFailure;
  passes: boolean;
  /** When the service wants to be asked again. */
  retryAfterMs?: number;
}

export interface AzureServiceOptions<Client> {
  connection: AzureConnection;
  connect(): Promise<Client>;
  /** ` in the key vault https://…`: completes the sentence of what was tried. */
  place: string;
  /** Puts into words of the store's own what the client threw: its errors carry requests, and so what was sent. */
  explain(tried: string, error: unknown, fault: AzureFault | undefined): Explained;
  /** After which something that passes is tried again first. */
  retryMs: number;
}

/** Azure's problem in the service's name: whose words these are, and the code of what is asked for here. */
export const asProblemOf = (source: string, codes: { unreachable: FailureCode; failed: FailureCode }, { evidence, ...problem }: Problem): Problem => ({
  ...problem,
  code: problem.kind === 'Transient' ? codes.unreachable : codes.failed,
  ...(evidence ? { evidence: { ...evidence, source } } : {}),
});

/** A service's limits are told per ten seconds: what lasts longer than this is no throttling. */
const patienceMs = 60_000;
const longestPauseMs = 8_000;

/** A service of Azure as a store speaks to it: signs in when first asked, waits out what passes, and tells the rest in words of the store's own. */
export class AzureService<Client> {
  readonly #options: AzureServiceOptions<Client>;
  #connected: Promise<Client> | undefined;

  constructor(options: AzureServiceOptions<Client>) {
    this.#options = options;
  }

  /** Asks until there is an answer; so the question must be one that may be asked again after its answer was lost. */
  async ask<Answer>(what: string, question: (client: Client) => Promise<Answer>): Promise<Answer> {
    const { connection, connect, place, explain, retryMs } = this.#options;
    const tried = `${what}${place}`;
    const end = performance.now() + patienceMs;
    let signedInAgain = false;
    for (let waitMs = retryMs; ; waitMs = Math.min(waitMs * 2, longestPauseMs)) {
      try {
        this.#connected ??= connect();
        return await question(await this.#connected);
      } catch (error) {
        const fault = connection.fault(tried, error);
        const { passes, failure, retryAfterMs = waitMs } = explain(tried, error, fault);
        // A token that is refused is not offered again; a new one is asked for once.
        const again: boolean = fault?.status === 401 && !signedInAgain;
        signedInAgain ||= again;
        if (fault?.status === 401 || fault?.isSignIn) this.#connected = undefined;
        if (!(passes || again) || performance.now() + retryAfterMs > end) throw failure;
        await pause(retryAfterMs);
      }
    }
  }
}
