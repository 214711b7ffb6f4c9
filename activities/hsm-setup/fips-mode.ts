import type { HsmState, StepInput, StepResult } from '../../domain/results.ts';
import { isGranted, isUsed, openErase, refusedUnder } from '../../stores/record/memory.ts';
import { writerOf } from '../../stores/record/writer.ts';
import { readHsm } from '../../systems/lunash/read-hsm.ts';
import type { LunashSession } from '../../systems/lunash/session.ts';
import { approvalNotOnRecord } from '../approval-not-on-record.ts';
import { type Attempt, act, converge, done, halt, prove } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';
import { attemptsUsed, initialize, type Proofs, provedAsSo, soWasRefused } from './initialize-hsm.ts';
import { foreign } from './inspect-hsm.ts';

type Input = StepInput<'fips-mode'>;
type Change = 'turn-on' | 'initialize' | 'note-unchanged';

const erasingAct = 'fips-mode';

export interface Seen {
  hsm: HsmState;
  /** Was the kept SO password refused under this very retry? */
  soRefused: boolean;
  /** Is the change on record without what became of it, and did this attempt begin it or one before? */
  begun: 'no' | 'now' | 'before';
  /** An approval allows one attempt at the change. */
  approvalUsed: boolean;
  /** Has the target record the approval, for this very digest? */
  approvalGranted: boolean;
}

/**
 * FIPS mode that is on already needs no comparison with what was approved: nothing is erased any more. But the HSM must be ours still, which only the
 * kept SO password shows. A change that was begun and has not taken effect is not made again under the same approval: whoever gave it knew nothing of that.
 */
export const decideFipsMode = (
  { hsm, soRefused, begun, approvalUsed, approvalGranted }: Seen,
  { approvedDigest, approvalId, request }: Pick<Input, 'approvedDigest' | 'approvalId' | 'request'>,
  proofs: Partial<Proofs>,
) => {
  if (hsm.zeroized && hsm.fips) return act('initialize');
  if (hsm.zeroized)
    return halt({
      code: 'HSM_ZEROIZED',
      tried: 'turning FIPS mode on',
      summary: 'the HSM was zeroized since this job last checked it',
      remedy: 'Find out who erased it. Abort, and send the request again: it starts from the zeroized HSM.',
    });
  if (hsm.label !== request.hsm.label) return foreign(hsm, { request });
  if (hsm.soAttemptsLeft !== 3) return attemptsUsed(hsm);
  if (soRefused) return soWasRefused();
  if (hsm.fips) return proofs['so-password'] ? done<StepResult<'fips-mode'>>({ outcome: 'on', hsm }) : prove('so-password');
  if (begun === 'before') return act('note-unchanged');
  if (approvalUsed && begun === 'no') return done<StepResult<'fips-mode'>>({ outcome: 'approval-used', hsm });
  if (hsm.digest !== approvedDigest) return done<StepResult<'fips-mode'>>({ outcome: 'changed-since-approval', hsm });
  return approvalGranted ? act('turn-on') : halt(approvalNotOnRecord('turning FIPS mode on', approvalId));
};

/**
 * `hsm changePolicy -policy 12 -value 0`. Erases every partition: only what was approved, compared once more in the session that does it: before the SO
 * signs in, before the approval and the change go on record, and after that, right before the change. Afterwards the SO signs in again.
 */
export const fipsMode = (systems: Systems) => {
  const { luna } = systems;
  /** In memory: the number of an attempt repeats when the activity is reset. */
  const begunBy = new WeakSet<Attempt>();
  const record = (input: Input, attempt: Attempt) => recordOf(systems, input, attempt, 'hsm');
  const approvals = (input: Input, attempt: Attempt) => recordOf(systems, input, attempt, 'approvals');
  const inShell = <T>(input: Input, attempt: Attempt, work: (session: LunashSession) => Promise<T>) => luna.shell(input, attempt, work);
  const ended = async (input: Input, attempt: Attempt, outcome: 'erased' | 'not-erased') => {
    const entries = record(input, attempt);
    if (openErase(await entries.read())) await entries.append('erase-ended', { act: erasingAct, outcome });
  };
  return converge<Input, Seen, StepResult<'fips-mode'>, Change, Proofs>({
    ...leaving(systems, 'lunash-sign-in', 'lunash-erasing-command', 'lunash-init'),
    async observe(input, attempt) {
      const [entries, used] = [await record(input, attempt).read(), await approvals(input, attempt).read()];
      const writer = writerOf(input, attempt);
      return {
        hsm: await inShell(input, attempt, readHsm),
        soRefused: refusedUnder(entries, { role: 'so' }, writer),
        begun: openErase(entries) ? (begunBy.has(attempt) ? 'now' : 'before') : 'no',
        approvalUsed: isUsed(used, input.approvalId),
        approvalGranted: isGranted(used, { approvalId: input.approvalId, digest: input.approvedDigest }),
      };
    },
    prove: {
      async 'so-password'(input, _, attempt) {
        const accepted = await provedAsSo(systems, input, attempt);
        await ended(input, attempt, 'erased');
        return accepted;
      },
    },
    decide: decideFipsMode,
    act: {
      'turn-on': (input, _, attempt) =>
        inShell(input, attempt, async (session) => {
          const { approvalId, approvedDigest: digest } = input;
          const asApproved = async () => (await readHsm(session)).digest === digest;
          if (!(await asApproved())) return;
          await luna.signInAsSo(input, session, record(input, attempt));
          if (!(await asApproved())) return;
          await approvals(input, attempt).append('approval-used', { approvalId, digest, act: erasingAct });
          await record(input, attempt).append('erase-begun', { act: erasingAct, approvalId, digest });
          begunBy.add(attempt);
          // The entries may take seconds; what somebody makes on the HSM meanwhile was not approved. Stale where another attempt went on from here.
          if (!(await asApproved())) return void (await record(input, attempt).append('erase-ended', { act: erasingAct, outcome: 'not-erased' }));
          await session.change('hsm changePolicy -policy 12 -value 0', { proceed: true }, 'hsm changePolicy');
        }),
      async initialize(input, _, attempt) {
        await ended(input, attempt, 'erased');
        await inShell(input, attempt, (session) => initialize(session, systems, input, record(input, attempt)));
      },
      'note-unchanged': (input, _, attempt) => ended(input, attempt, 'not-erased'),
    },
    fingerprint: ({ hsm }) => hsm,
  });
};
