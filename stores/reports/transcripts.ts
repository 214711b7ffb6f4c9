import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finishing } from '../../domain/first-error.ts';
import type { BlobContainer } from '../blob-container.ts';

export interface Transcript {
  step: string;
  text: string;
  /** Of the text, hex. */
  sha256: string;
}

/**
 * What was said to and by LunaSH, lunacm and CipherTrust Manager, with every secret masked before it gets here: evidence for the report, and where a system
 * cannot be asked what was done to it before, the memory of it.
 */
export interface Transcripts {
  /** Is over once the text is on the disk. What a writer that died left unfinished is marked as cut off. */
  append(target: string, runId: string, step: string, masked: string): Promise<void>;
  list(target: string, runId: string): Promise<Transcript[]>;
}

/** Stands at the end of a line that its writer did not finish. */
export const cutOff = ' (cut off)';

/** One file a step under `{folder}/{target}-{run}/`. */
export function folderTranscripts(folder: string): Transcripts {
  const home = (target: string, runId: string) => join(folder, `${target}-${runId}`);
  return {
    async append(target, runId, step, masked) {
      await mkdir(home(target, runId), { recursive: true, mode: 0o700 });
      const file = await open(join(home(target, runId), `${step}.txt`), 'a+', 0o600);
      const write = async () => {
        const cut = (await endsALine(file)) ? '' : `${cutOff}\n`;
        await file.appendFile(`${cut}${masked}${masked.endsWith('\n') ? '' : '\n'}`);
        await file.datasync();
      };
      await finishing(write, () => file.close());
    },
    async list(target, runId) {
      const files = await readdir(home(target, runId)).catch(noneYet);
      return Promise.all(
        files.sort().map(async (file) => {
          return transcript(file, await readFile(join(home(target, runId), file), 'utf8'));
        }),
      );
    },
  };
}

/** One append blob a step under `transcripts/{target}-{run}/`: what arrives at once from several workers stands whole, in the order of its arrival. */
export function blobTranscripts(container: BlobContainer): Transcripts {
  const home = (target: string, runId: string) => `transcripts/${target}-${runId}/`;
  return {
    append: (target, runId, step, masked) => container.append(`${home(target, runId)}${step}.txt`, `${masked}${masked.endsWith('\n') ? '' : '\n'}`),
    async list(target, runId) {
      const names = await container.list(home(target, runId));
      const texts = await Promise.all(names.map((name) => container.read(name)));
      return names.map((name, index) => transcript(name.slice(home(target, runId).length), texts[index] ?? ''));
    },
  };
}

const transcript = (file: string, text: string): Transcript => ({
  step: file.replace(/\.txt$/, ''),
  text,
  sha256: createHash('sha256').update(text).digest('hex'),
});

async function endsALine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString() === '\n';
}

/** Nothing was written yet; whatever else is wrong with the folder is no proof of that. */
function noneYet(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
