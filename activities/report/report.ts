import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { refused } from '../../domain/failure.ts';
import { reportOf } from '../../domain/report.ts';
import { reportMarkdown } from '../../domain/report-markdown.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { finishing } from '../../systems/first-error.ts';
import { act, converge, done } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'report'>;

/** Stores the report as JSON and Markdown, `{target}-{run id}`, and reads it back. */
export const report = ({ settings, transcripts }: Systems): ((input: Input) => Promise<StepResult<'report'>>) => {
  const paths = ({ target, runId }: Input) => {
    const base = join(settings.reportsFolder, `${target}-${runId}`);
    return { json: `${base}.json`, markdown: `${base}.md` };
  };
  const texts = async (input: Input) => {
    const complete = reportOf(input.report, await transcripts.list(input.target, input.runId));
    return { json: `${JSON.stringify(complete, null, 2)}\n`, markdown: reportMarkdown(complete) };
  };
  return converge({
    observe: async (input) => {
      const [wanted, where] = [await texts(input), paths(input)];
      const [json, markdown] = await Promise.all([where.json, where.markdown].map((path) => readFile(path, 'utf8').catch(() => undefined)));
      return { stored: json === wanted.json && markdown === wanted.markdown };
    },
    decide: ({ stored }, input) => (stored ? done(paths(input)) : act('store')),
    act: {
      store: async (input) => {
        const [wanted, where] = [await texts(input), paths(input)];
        try {
          await mkdir(settings.reportsFolder, { recursive: true, mode: 0o700 });
          await writeWhole(where.json, wanted.json);
          await writeWhole(where.markdown, wanted.markdown);
        } catch (error) {
          throw refused(
            {
              tried: `storing the report ${where.json}`,
              seen: error instanceof Error ? error.message : String(error),
              source: 'the report store',
              remedy: 'Mend the folder (space, permissions), then retry; everything else is done.',
            },
            error,
          );
        }
      },
    },
  });
};

/** A reader sees the old file or the new one, never half of it. */
async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  const write = async () => {
    await writeFile(draft, text, { mode: 0o600, flush: true });
    await rename(draft, path);
  };
  await finishing(write, () => rm(draft, { force: true }));
}
