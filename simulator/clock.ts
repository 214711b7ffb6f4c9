/** Scales how long the simulated world takes. Time stamps stay real; only durations shrink: at scale 60, 36 minutes take 36 seconds. */
export class Clock {
  readonly scale: number;

  constructor(scale: number) {
    if (!(scale > 0)) throw new Error(`time scale must be above 0, got ${scale}`);
    this.scale = scale;
  }

  /** Real milliseconds that so many simulated minutes take. */
  realMs(minutes: number): number {
    return (minutes * 60_000) / this.scale;
  }

  /** The real time stamp (ms since the epoch) so many simulated minutes from now: keep it in state and compare it with `Date.now()`. */
  inMinutes(minutes: number): number {
    return Date.now() + this.realMs(minutes);
  }

  sleepMinutes(minutes: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.realMs(minutes)));
  }

  /** A Retry-After in whole seconds, scaled, at least 1 (0 would invite a busy loop). */
  retryAfterSeconds(seconds: number): number {
    return Math.max(1, Math.round(seconds / this.scale));
  }
}
