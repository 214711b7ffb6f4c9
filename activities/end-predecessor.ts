import { Context } from '@temporalio/activity';
import type { PinnedHost, StepContext } from '../domain/results.ts';
import { leftOpen } from '../stores/record/memory.ts';
import { writerOf } from '../stores/record/writer.ts';
import { noPermitIn } from '../systems/fence.ts';
import { actsAfter, type LastingActName, leaveOnHost } from '../systems/lasting-acts.ts';
import { endPredecessor } from '../systems/windows/end-predecessor.ts';
import { type Attempt, type Lasting, type LeftOpen, lasting } from './converge.ts';
import { separateRecordOf } from './record.ts';
import type { Systems } from './systems.ts';

type Around = Pick<Systems, 'windows' | 'transcripts' | 'settings' | 'records'>;

/**
 * A step that reaches the HSM or its client through the Windows host. A job that began before it was told of that host
 * has none.
 */
type OnHost = StepContext & { windows?: PinnedHost | undefined } & ({ hsm: { address: string } } | { hsmAddress: string });

interface Leaving {
  lasting: Lasting;
  endFirst(input: OnHost, attempt: Attempt, left: Lasting): Promise<number>;
  leftOpen(input: OnHost, attempt: Attempt): Promise<LeftOpen | undefined>;
}

/**
 * For a rule: its lasting acts, and the end of what an earlier attempt left of them on the Windows host. Where none of them is there, it is only waited for. What
 * another run left open stands in the record of the HSM.
 */
export function leaving(systems: Around, ...acts: LastingActName[]): Leaving {
  return {
    lasting: lasting(systems.settings, ...acts),
    endFirst: async (input, attempt, left) => (leaveOnHost(left.acts, systems.settings.lunaVia) ? endFirst(systems, left, input, attempt) : left.settleMs),
    async leftOpen(input, attempt) {
      const record = separateRecordOf(systems, input, attempt, 'hsm');
      const entry = leftOpen(await record.read(), writerOf(input, attempt));
      return (
        entry && {
          lasting: lasting(systems.settings, ...actsAfter(`hsm/${entry.event}`)),
          enterAwaited: () => record.append('left-open-awaited', { entry: entry.n }),
        }
      );
    },
  };
}

/**
 * Ends what an earlier attempt left on the Windows host, and enters it in the step’s transcript. Where nothing of it is there any more, lunacm and vtl have done
 * what they were told, and of LunaSH only a command that arrived may still run. Where something was ended, the HSM may still be at work for it; where the host
 * cannot be asked, nobody knows: both wait as long as without it.
 */
async function endFirst({ windows, transcripts }: Around, left: Lasting, input: OnHost, { signal, step }: Attempt): Promise<number> {
  if (!input.windows) return left.settleMs;
  try {
    const ended = await onHost({ windows }, input, input.windows, signal);
    if (ended.length === 0) return left.settleAfterEndMs;
    await transcripts.append(input.target, input.runId, step, `${ended.join('\n')}\n`);
  } catch (error) {
    if (noPermitIn(error) || signal.aborted) throw error;
    Context.current().log.warn('Cannot end the processes that an earlier attempt left on the Windows host. Waiting for them to end.', { error: String(error) });
  }
  return left.settleMs;
}

async function onHost({ windows }: Pick<Systems, 'windows'>, input: OnHost, host: PinnedHost, signal: AbortSignal): Promise<string[]> {
  const { target, request } = input;
  const hsmAddress = 'hsmAddress' in input ? input.hsmAddress : input.hsm.address;
  const session = await windows.open(input, host, signal);
  try {
    return await endPredecessor(session, { hsmAddress, target, certificateName: request.cipherTrust.address });
  } finally {
    session.end();
  }
}
