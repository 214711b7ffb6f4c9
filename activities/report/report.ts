import { refused, StepFailure } from '../../domain/failure.ts';
import { reportOf } from '../../domain/report.ts';
import { reportMarkdown } from '../../domain/report-markdown.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { reportName } from '../../stores/reports/report-store.ts';
import { act, converge, done } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'report'>;

/** Stores the report as JSON and Markdown, `{target}-{run id}`, and reads it back. */
export const report = ({ reports, transcripts }: Systems): ((input: Input) => Promise<StepResult<'report'>>) => {
  const nameOf = ({ target, runId }: Input) => reportName(target, runId);
  const places = (input: Input) => ({ json: reports.placeOf(nameOf(input), 'json'), markdown: reports.placeOf(nameOf(input), 'markdown') });
  const texts = async (input: Input) => {
    const complete = reportOf(input.report, await transcripts.list(input.target, input.runId));
    return { json: `${JSON.stringify(complete, null, 2)}\n`, markdown: reportMarkdown(complete) };
  };
  return converge({
    observe: async (input) => {
      const wanted = await texts(input);
      // What cannot be read counts as not stored: storing it then says what is wrong.
      const stored = (form: 'json' | 'markdown') => reports.read(nameOf(input), form).catch(() => undefined);
      const [json, markdown] = await Promise.all([stored('json'), stored('markdown')]);
      return { stored: json === wanted.json && markdown === wanted.markdown };
    },
    decide: ({ stored }, input) => (stored ? done(places(input)) : act('store')),
    act: {
      store: async (input) => {
        const wanted = await texts(input);
        try {
          await reports.put(nameOf(input), wanted);
        } catch (error) {
          if (error instanceof StepFailure) throw error; // the store's own words
          throw refused(
            {
              tried: `storing the report ${places(input).json}`,
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
