import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { onLeaving } from './leaving.mjs';
import { say } from './say.mjs';

const pauseMs = 200;

/** The process that a file names; undefined where there is none, or none that lives. */
function ownerOf(file) {
  try {
    const owner = Number(readFileSync(file, 'utf8'));
    // Written a moment after it was made.
    if (owner === 0) return 'somebody';
    process.kill(owner, 0);
    return owner;
  } catch (error) {
    return error.code === 'EPERM' ? 'somebody' : undefined;
  }
}

function take(file) {
  try {
    writeFileSync(file, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

/** Does something that only one process at a time may do; the others wait, and say so. `file` names who does it; one that a killed process left counts for nothing. */
export async function oneAtATime(file, work) {
  mkdirSync(dirname(file), { recursive: true });
  for (let said = false; !take(file); ) {
    const owner = ownerOf(file);
    if (owner === undefined) rmSync(file, { force: true });
    else if (!said) say(`Another set-up (process ${owner}) is at work in this folder: waiting for it. If there is none, remove ${file}.`);
    said ||= owner !== undefined;
    await pause(pauseMs);
  }
  const free = () => rmSync(file, { force: true });
  const stay = onLeaving(free);
  try {
    return await work();
  } finally {
    stay();
    free();
  }
}
