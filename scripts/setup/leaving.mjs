import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const cleanUps = new Set();
let leaving = false;

/** A second signal does not wait any more. */
async function leave(signal) {
  const patient = !leaving;
  leaving = true;
  for (const cleanUp of [...cleanUps].reverse()) {
    const cleaned = cleanUp();
    if (patient) await cleaned;
  }
  process.exit(128 + constants.signals[signal]);
}

/** Is this process on its way out? Then nothing more is begun, and nothing that ends now is a failure to tell of. */
export const isLeaving = () => leaving;

/**
 * Has something done, the last first, if this process is told to end meanwhile, and waits for each; again at a second signal, which waits no more. Returns how to
 * take that back.
 */
export function onLeaving(cleanUp) {
  if (cleanUps.size === 0) for (const signal of signals) process.on(signal, leave);
  cleanUps.add(cleanUp);
  return () => {
    cleanUps.delete(cleanUp);
    if (cleanUps.size === 0 && !leaving) for (const signal of signals) process.off(signal, leave);
  };
}
