import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { log } from './log.ts';

export interface Counters {
  /** Counts an error that nobody caught and that this worker survived. */
  uncaught: () => void;
}

/**
 * Installs the SDK's runtime, of which there is one a process and which ends with its last connection. A metrics port that is taken is no reason not to work:
 * it is a warning, once.
 */
export class RuntimeInstaller {
  readonly #metricsAddress: string | undefined;
  #warned = false;

  constructor(metricsAddress: string | undefined) {
    this.#metricsAddress = metricsAddress;
  }

  install(): Counters {
    const runtime = this.#installed();
    const uncaught = runtime.metricMeter.createCounter('hsm_uncaught_errors', undefined, 'Errors that nobody caught and that this worker survived');
    return { uncaught: () => uncaught.add(1) };
  }

  #installed(): Runtime {
    if (!this.#metricsAddress) return install(undefined);
    try {
      return install(this.#metricsAddress);
    } catch (error) {
      if (!(error instanceof Error && /prometheus/.test(error.message))) throw error;
      if (!this.#warned)
        log('WARN', `No metrics: HSM_METRICS_ADDRESS is ${this.#metricsAddress}, where this worker cannot listen (${error.message}). It works without them.`);
      this.#warned = true;
      return install(undefined);
    }
  }
}

const install = (bindAddress: string | undefined): Runtime =>
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, timestampNanos, message, meta }) => log(level, message, meta, new Date(Number(timestampNanos / 1_000_000n)))),
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }), forward: {} },
      ...(bindAddress ? { metrics: { prometheus: { bindAddress, useSecondsForDurations: true, countersTotalSuffix: true, unitSuffix: true } } } : {}),
    },
    // The worker is told to end by main.ts, which hears the signals even while there is no runtime.
    shutdownSignals: [],
  });
