import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { finishing } from '../domain/first-error.ts';

/** How the name of a file begins that is not finished, or was left behind by a process that died: nobody reads those. */
const draftPrefix = '.draft-';

/**
 * Creates a file whole or not at all, and only where its name is free: of several writers exactly one gets true. Over once file and name would survive a loss
 * of power.
 */
export const createFile = (path: string, content: Buffer | string): Promise<boolean> =>
  throughDraft(path, content, async (draft) => {
    try {
      await link(draft, path); // fails where the name is taken: the first writer wins
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  });

/** Replaces a file: a reader sees the old one or the new one, never half of it. */
export const replaceFile = (path: string, content: Buffer | string): Promise<void> => throughDraft(path, content, (draft) => rename(draft, path));

async function throughDraft<Result>(path: string, content: Buffer | string, finish: (draft: string) => Promise<Result>): Promise<Result> {
  const folder = dirname(path);
  await makeFolder(folder);
  const draft = join(folder, `${draftPrefix}${randomUUID()}`);
  try {
    await writeDurably(draft, content);
    const result = await finish(draft);
    await syncFolder(folder);
    return result;
  } finally {
    // A draft that stays behind is read by nobody; the outcome, or the first error, is what counts.
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

/** Makes a folder with those above it, for the owner alone. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  // Each new name must survive a loss of power, so each parent is synced, up to the one that was there.
  for (let made = folder; ; made = dirname(made)) {
    await syncFolder(dirname(made));
    if (made === first || made === dirname(made)) return;
  }
}

async function writeDurably(path: string, content: Buffer | string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  const write = async () => {
    await file.writeFile(content);
    await file.sync();
  };
  await finishing(write, () => file.close());
}

/** A new name is on the disk only when its folder is: what was entered must not be lost with the power. Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  await finishing(
    () => handle.sync(),
    () => handle.close(),
  );
}
