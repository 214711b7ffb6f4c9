// Loaded first into a process (`--import`): its wall clock is off by as many milliseconds as a file says, from the start and from each SIGUSR2 on. Monotonic
// time stays, as it does when a clock is set.
import { readFileSync } from 'node:fs';

const file = process.env.HSM_TEST_CLOCK_FILE;
const RealDate = Date;
const now = RealDate.now.bind(RealDate);
let offMs = 0;

function read(): void {
  if (file) offMs = Number(readFileSync(file, 'utf8'));
}

class ShiftedDate extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(now() + offMs);
    else super(...(given as [number]));
  }

  static override now(): number {
    return now() + offMs;
  }
}

read();
process.on('SIGUSR2', read);
globalThis.Date = ShiftedDate as DateConstructor;
