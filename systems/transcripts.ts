import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Transcript {
  step: string;
  text: string;
  /** Of the text, hex. */
  sha256: string;
}

/** What was typed to and read from LunaSH and lunacm, with every secret masked before it gets here: evidence for the report. */
export interface Transcripts {
  append(target: string, runId: string, step: string, masked: string): Promise<void>;
  list(target: string, runId: string): Promise<Transcript[]>;
}

/** One file a step under `{folder}/{target}-{run}/`. */
export function folderTranscripts(folder: string): Transcripts {
  const home = (target: string, runId: string) => join(folder, `${target}-${runId}`);
  return {
    async append(target, runId, step, masked) {
      await mkdir(home(target, runId), { recursive: true, mode: 0o700 });
      await appendFile(join(home(target, runId), `${step}.txt`), masked.endsWith('\n') ? masked : `${masked}\n`, { mode: 0o600 });
    },
    async list(target, runId) {
      const files = await readdir(home(target, runId)).catch(() => []);
      return Promise.all(
        files.sort().map(async (file) => {
          const text = await readFile(join(home(target, runId), file), 'utf8');
          return { step: file.replace(/\.txt$/, ''), text, sha256: createHash('sha256').update(text).digest('hex') };
        }),
      );
    },
  };
}
