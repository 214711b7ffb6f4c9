import { messageOf, refused, StepFailure } from '../../domain/failure.ts';
import { reportOf } from '../../domain/report.ts';
import { reportMarkdown } from '../../domain/report-markdown.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import type { Entry } from '../../stores/record/events.ts';
import { erasedAfterLastProof } from '../../stores/record/memory.ts';
import { reportName } from '../../stores/reports/report-store.ts';
import { readHsm } from '../../systems/lunash/read-hsm.ts';
import { type Attempt, act, converge, done, halt, type Step } from '../converge.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';
import { faultOfRootOfTrust, type Looked, readRootOfTrust } from './confirm-root-of-trust.ts';

type Input = StepInput<'report'>;

interface Seen {
  stored: boolean;
  /** What erased the HSM, or may have, after it was verified. */
  erased: Entry<'hsm'> | undefined;
  /** What is there of the root of trust, as far as it can be reached. */
  looked: Looked;
}

/** A job is never called completed over an HSM that was erased after it was verified. */
export const decideReport =
  (places: (input: Input) => StepResult<'report'>) =>
  ({ stored, erased, looked }: Seen, input: Input) => {
    if (erased)
      return halt({
        code: 'HSM_ZEROIZED',
        tried: 'completing the job',
        summary: `the HSM may have been erased after it was verified: ${erased.execution} of run ${erased.runId} recorded ${erased.event}`,
        remedy: 'Check with `partition list` whether the partition and its root keys are still there. If not, abort and send the request again.',
      });
    const fault = input.last && faultOfRootOfTrust(looked, { ...input.last, request: input.request });
    return fault ?? (stored ? done(places(input)) : act('store'));
  };

/**
 * Checks the root of trust one last time. Without temporary access the way through the Windows host is gone, and CipherTrust Manager may no longer be reachable;
 * the HSM still is if it is reached directly.
 */
async function lookOnceMore(systems: Systems, { last, ...job }: Input, attempt: Attempt): Promise<Looked> {
  if (!last) return {};
  const input = { ...job, ...last };
  if (last.isWayOpen) return readRootOfTrust({ systems, input, attempt });
  return systems.settings.lunaVia === 'direct' ? { hsm: await systems.luna.shell(input, attempt, readHsm) } : {};
}

/** Stores the report as JSON and Markdown, `{target}-{run id}`, and reads it back. The root of trust is checked before that, and again after it. */
export const report = (systems: Systems): Step<Input, StepResult<'report'>> => {
  const { reports, transcripts } = systems;
  const nameOf = ({ target, runId }: Input) => reportName(target, runId);
  const places = (input: Input) => ({ json: reports.placeOf(nameOf(input), 'json'), markdown: reports.placeOf(nameOf(input), 'markdown') });
  const texts = async (input: Input) => {
    // Without that of this step, which goes on looking once the report is stored.
    const ofOthers = (await transcripts.list(input.target, input.runId)).filter(({ step }) => step !== 'report');
    const complete = reportOf(input.report, ofOthers);
    return { json: `${JSON.stringify(complete, null, 2)}\n`, markdown: reportMarkdown(complete) };
  };
  return converge<Input, Seen, StepResult<'report'>, 'store'>({
    observe: async (input, attempt) => {
      const erased = input.report.outcome === 'completed' ? erasedAfterLastProof(await recordOf(systems, input, attempt, 'hsm').read()) : undefined;
      const wanted = await texts(input);
      // What cannot be read counts as not stored: storing it then says what is wrong.
      const stored = (form: 'json' | 'markdown') => reports.read(nameOf(input), form).catch(() => undefined);
      const [json, markdown] = await Promise.all([stored('json'), stored('markdown')]);
      return { stored: json === wanted.json && markdown === wanted.markdown, erased, looked: await lookOnceMore(systems, input, attempt) };
    },
    decide: decideReport(places),
    act: {
      store: async (input) => {
        const wanted = await texts(input);
        try {
          await reports.put(nameOf(input), wanted);
        } catch (error) {
          if (error instanceof StepFailure) throw error; // the store's own words
          throw refused(
            {
              code: 'STORE_REFUSED',
              tried: `storing the report ${places(input).json}`,
              summary: messageOf(error),
              remedy: 'Fix the report folder (space, permissions), then retry. Everything else is done.',
            },
            error,
          );
        }
      },
    },
  });
};
