import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const cleanUps = new Set();

function leave(signal) {
  for (const cleanUp of [...cleanUps].reverse()) cleanUp();
  process.exit(128 + constants.signals[signal]);
}

/** Has something done, the last first and at once, if this process is told to end meanwhile. Returns how to take that back. */
export function onLeaving(cleanUp) {
  if (cleanUps.size === 0) for (const signal of signals) process.on(signal, leave);
  cleanUps.add(cleanUp);
  return () => {
    cleanUps.delete(cleanUp);
    if (cleanUps.size === 0) for (const signal of signals) process.off(signal, leave);
  };
}
