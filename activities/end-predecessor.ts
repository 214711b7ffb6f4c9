import { Context } from '@temporalio/activity';
import type { Job, Pinned } from '../domain/results.ts';
import { isLeftOpen } from '../stores/record/memory.ts';
import { writerOf } from '../stores/record/writer.ts';
import { noPermitIn } from '../systems/fence.ts';
import { type LastingActName, leaveOnHost } from '../systems/lasting-acts.ts';
import { endPredecessor } from '../systems/windows/end-predecessor.ts';
import { type Attempt, type Lasting, lasting } from './converge.ts';
import { separateRecordOf } from './record.ts';
import type { Systems } from './systems.ts';

type Around = Pick<Systems, 'windows' | 'transcripts' | 'settings' | 'records'>;

/**
 * A step that reaches the HSM or its client through the Windows host. A job that began before it was told of that host
 * has none.
 */
type OnHost = Job & { windows?: Pinned | undefined } & ({ hsm: { address: string } } | { hsmAddress: string });

interface Leaving {
  lasting: Lasting;
  endFirst?(input: OnHost, attempt: Attempt): Promise<number>;
  isLeftOpen(input: OnHost, attempt: Attempt): Promise<boolean>;
}

/**
 * For a rule: its lasting acts, and the end of what an earlier attempt left of them on the Windows host. Where none of them is there, it is only waited for. What
 * another run left open stands in the record of the HSM.
 */
export function leaving(systems: Around, ...acts: LastingActName[]): Leaving {
  const left = lasting(systems.settings, ...acts);
  return {
    lasting: left,
    ...(leaveOnHost(acts, systems.settings.lunaVia) ? { endFirst: endingFirst(systems, left) } : {}),
    isLeftOpen: async (input, attempt) => isLeftOpen(await separateRecordOf(systems, input, attempt, 'hsm').read(), writerOf(input, attempt)),
  };
}

/**
 * Ends what an earlier attempt left on the Windows host, and enters it in the step’s transcript. Where nothing of it is there any more, lunacm and vtl have done
 * what they were told, and of LunaSH only a command that arrived may still run. Where something was ended, the HSM may still be at work for it; where the host
 * cannot be asked, nobody knows: both wait as long as without it.
 */
const endingFirst =
  ({ windows, transcripts }: Around, left: Lasting) =>
  async (input: OnHost, { signal, step }: Attempt): Promise<number> => {
    if (!input.windows) return left.settleMs;
    try {
      const ended = await onHost({ windows }, input, input.windows, signal);
      if (ended.length === 0) return left.settleAfterEndMs;
      await transcripts.append(input.target, input.runId, step, `${ended.join('\n')}\n`);
    } catch (error) {
      if (noPermitIn(error) || signal.aborted) throw error;
      Context.current().log.warn('What an earlier attempt left on the Windows host could not be ended. Waiting for it to end.', { error: String(error) });
    }
    return left.settleMs;
  };

async function onHost({ windows }: Pick<Systems, 'windows'>, input: OnHost, host: Pinned, signal: AbortSignal): Promise<string[]> {
  const { target, request } = input;
  const hsmAddress = 'hsmAddress' in input ? input.hsmAddress : input.hsm.address;
  const session = await windows.open(input, host, signal);
  try {
    return await endPredecessor(session, { hsmAddress, target, certificateName: request.cipherTrust.address });
  } finally {
    session.end();
  }
}
