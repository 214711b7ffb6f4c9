import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption, type WorkflowBundlePath } from '@temporalio/worker';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Folders and files that the code is made of; with the packages' exact versions they determine it. */
const madeOf = ['domain', 'temporal', 'workflows', 'worker/workflow-bundle.ts', 'package-lock.json'];
/** Code that nobody made or started from for so long is of versions that are gone. */
const keptForMs = 24 * 3_600_000;

/** The workflows, bundled as Temporal's sandbox wants them. That takes seconds of computing: where a folder is named, it is done once and kept there. */
export const workflowCode = (folder: string | undefined): Promise<WorkflowBundleOption> => (folder ? keptWorkflowCode(folder) : bundled());

/** The file in a folder that has the code, which is made where this state of the source has none yet. */
export async function keptWorkflowCode(folder: string): Promise<WorkflowBundlePath> {
  const codePath = join(folder, `${await fingerprint(root)}.js`);
  if (!existsSync(codePath)) {
    await mkdir(folder, { recursive: true });
    const { code } = await bundled();
    // Several workers may do this at once: each file appears whole or not at all.
    const unfinished = `${codePath}.${randomUUID()}`;
    await writeFile(unfinished, code);
    await rename(unfinished, codePath);
    await forgetOld(folder);
  }
  return { codePath };
}

const bundled = () => bundleWorkflowCode({ workflowsPath: join(root, 'workflows', 'index.ts'), logger: new DefaultLogger('WARN') });

/** Of everything that the code of the checkout in a folder is made of, and of where that is: the code tells its files' places. */
export async function fingerprint(root: string): Promise<string> {
  const hash = createHash('sha256').update(root);
  for (const path of madeOf.map((name) => join(root, name)))
    for (const file of (await stat(path)).isDirectory() ? await filesIn(path) : [path]) hash.update(`\0${file}\0`).update(await readFile(file));
  return hash.digest('hex');
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function forgetOld(folder: string): Promise<void> {
  for (const file of await filesIn(folder)) {
    const changed = await stat(file).catch(() => undefined);
    if (changed && Date.now() - changed.mtimeMs > keptForMs) await rm(file, { force: true });
  }
}
