/** A program that runs on a host. */
export interface HostProcess {
  id: number;
  name: string;
  commandLine: string;
  /** To which addresses and ports it has connections. */
  connections: Set<{ address: string; port: number; localPort: number }>;
  /** Was it ended from outside? */
  isStopped: boolean;
  /** What becomes of it when it is: its connections are reset. */
  stopped: () => void;
}

/** The programs that run on a host. Windows gives each an id that can be divided by four. */
export class Processes {
  readonly #running = new Map<number, HostProcess>();
  #next = 4_000;

  start(name: string, commandLine: string, stopped = () => {}): HostProcess {
    this.#next += 4;
    const started: HostProcess = { id: this.#next, name, commandLine, connections: new Set(), isStopped: false, stopped };
    this.#running.set(started.id, started);
    return started;
  }

  /** It has ended by itself. */
  ended({ id }: HostProcess): void {
    this.#running.delete(id);
  }

  list(): HostProcess[] {
    return [...this.#running.values()];
  }

  /** Ends a program at once, as TerminateProcess does; false where there is none of this id. */
  stop(id: number): boolean {
    const running = this.#running.get(id);
    if (!running) return false;
    this.#running.delete(id);
    running.isStopped = true;
    running.stopped();
    return true;
  }
}
