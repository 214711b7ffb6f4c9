import { finishing } from '../domain/first-error.ts';

/** Temporal's Worker, as far as it is needed here. */
interface RunningWorker {
  run(): Promise<void>;
  getState(): string;
  shutdown(): void;
}

interface Parts {
  worker: RunningWorker;
  connection: { close(): Promise<void> };
  polling: { start(): Promise<void>; stop(): void };
}

/**
 * Runs a worker until the signal, and closes its connection. Where the worker fails, that is thrown: the connection cannot be closed then while the worker still
 * holds it, and what the SDK says of that would hide why the worker failed.
 */
export const runUntil = (signal: AbortSignal, { worker, connection, polling }: Parts): Promise<void> =>
  finishing(
    async () => {
      const running = worker.run();
      const shutDown = () => worker.getState() === 'RUNNING' && worker.shutdown();
      signal.addEventListener('abort', shutDown);
      if (signal.aborted) shutDown();
      void polling.start();
      await running;
    },
    async () => {
      polling.stop();
      await connection.close();
    },
  );
