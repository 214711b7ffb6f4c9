// As a whole: before Node 18.15 there is no `statfsSync`, and asking for it by name would end in an error of the linker instead of the sentence on Node’s version.
import * as fs from 'node:fs';
import { SetupError } from './say.mjs';

/** Makes the folder if need be; fails in one sentence where that, or writing to it, is not permitted. */
export function needFolder(folder, purpose, hint = '') {
  try {
    fs.mkdirSync(folder, { recursive: true });
    fs.accessSync(folder, fs.constants.W_OK);
  } catch (error) {
    const why =
      error.code === 'ENOSPC'
        ? 'the disk is full'
        : error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EROFS'
          ? 'that is not permitted'
          : error.message;
    throw new SetupError(`${folder} is needed for ${purpose}, but cannot be written: ${why}.${hint ? ` ${hint}` : ''}`);
  }
}

/** Fails in one sentence where the disk under a folder has less room than needed. */
export function needRoom(folder, gigabytes, purpose) {
  const { bavail, bsize } = fs.statfsSync(folder);
  const free = (bavail * bsize) / 1e9;
  if (free < gigabytes)
    throw new SetupError(`${purpose} need${/s$/.test(purpose) ? '' : 's'} ${gigabytes} GB under ${folder}, but only ${free.toFixed(1)} GB are free there.`);
}
