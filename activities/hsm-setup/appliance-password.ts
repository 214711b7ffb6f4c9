import type { ProblemOf } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { applianceWithheld, mayHoldKeptPassword, standingOf } from '../../stores/record/memory.ts';
import { writerOf } from '../../stores/record/writer.ts';
import type { FirstContact } from '../../systems/lunash/luna.ts';
import { hsmIdOf } from '../asked-hsm.ts';
import { type Attempt, act, converge, done, prove, refuse } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { enterHsmHostKey } from '../machine-record.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'appliance-password'>;

export interface Seen {
  /** Which passwords are not shown again under this retry, and why. */
  withheld: { [Password in keyof Proofs]?: 'refused' | 'unheard' | undefined };
  /** Is nothing on record of an earlier contact: no host key, no replaced or accepted password? Then the kept password cannot be right. */
  isFirstContact: boolean;
  /** Did this run begin to replace the factory password, which held until then? */
  isReplaceBegun: boolean;
}

/** How the sign-ins ended. */
export interface Proofs {
  kept: FirstContact;
  factory: FirstContact;
}

/**
 * The kept password first: the factory’s is refused wherever it was replaced before. At the very first contact the factory’s: there the kept one would be a failed
 * sign-in, and disclosed to a host that nothing vouches for.
 */
export const decideAppliancePassword = (
  { withheld, isFirstContact, isReplaceBegun }: Seen,
  { hsmAddress }: Pick<Input, 'hsmAddress'>,
  proofs: Partial<Proofs>,
) => {
  const { kept, factory } = proofs;
  if (kept && 'pin' in kept) return done<StepResult<'appliance-password'>>({ appliance: { address: hsmAddress, pin: kept.pin } });
  if (factory && 'pin' in factory) return act('replace');
  const order = isFirstContact ? (['factory', 'kept'] as const) : (['kept', 'factory'] as const);
  const next = order.find((password) => !withheld[password] && !proofs[password]);
  if (next) return prove(next);
  // It is refused now, so the kept one was set, though an attempt that showed it did not hear of that.
  if (isReplaceBegun && factory && !kept && withheld.kept === 'unheard') return prove('kept');
  return refuse(noneAccepted(hsmAddress, withheld.kept));
};

const noneAccepted = (hsmAddress: string, kept: Seen['withheld']['kept']): ProblemOf<'Refused'> => ({
  code: 'HSM_APPLIANCE_PASSWORD_REFUSED',
  tried: `signing in to the HSM at ${hsmAddress}`,
  ...(kept === 'unheard'
    ? {
        summary: 'the last sign-in with the stored password received no response, and the password was not tried again; the factory password is refused',
        remedy: 'If the appliance may not have the stored password, set it there first (my password set). Then retry: retrying signs in once more.',
      }
    : {
        summary: 'neither the stored nor the factory password is accepted',
        remedy:
          'Somebody else changed the password. Set the stored one on the appliance (my password set), then retry. If the current password is lost, open a support ticket.',
      }),
});

/** The first sign-in: `tenantadmin` / `PASSWORD` and the forced change to the kept password. The host key of this contact is pinned. */
export const appliancePassword = (systems: Systems) => {
  const { luna } = systems;
  const record = (input: Input, attempt: Attempt) => recordOf(systems, input, attempt, 'hsm');
  const contact = (password: keyof Proofs) => (input: Input, _: Seen, attempt: Attempt) =>
    luna.firstContact(input, { windows: input.windows, address: input.hsmAddress }, password, {
      ...attempt,
      record: record(input, attempt),
      enterHostKey: (hostKey, isConfirmed) => enterHsmHostKey(systems, input, attempt, { hostKey, isConfirmed }),
    });
  return converge<Input, Seen, StepResult<'appliance-password'>, 'replace', Proofs>({
    ...leaving(systems, 'lunash-new-password'),
    async observe(input, attempt) {
      const entries = await record(input, attempt).read();
      const standing = standingOf(await recordOf(systems, input, attempt, 'deployment').read(), hsmIdOf(input.request), {});
      const isHostKeyKnown = standing.is === 'other' && standing.expected.hostKey !== undefined;
      const withheld = (password: keyof Proofs) => applianceWithheld(entries, password, writerOf(input, attempt));
      return {
        withheld: { kept: withheld('kept'), factory: withheld('factory') },
        isFirstContact: !isHostKeyKnown && !mayHoldKeptPassword(entries),
        isReplaceBegun: entries.some(({ event, runId }) => event === 'appliance-password-replace-begun' && runId === input.runId),
      };
    },
    prove: { kept: contact('kept'), factory: contact('factory') },
    decide: decideAppliancePassword,
    act: {
      async replace(input, _, attempt) {
        await record(input, attempt).append('appliance-password-replace-begun', {});
        await luna.replaceFactoryPassword(input, { windows: input.windows, address: input.hsmAddress }, attempt);
        // The kept one is good from now on, whatever is heard of the sign-in that comes next.
        await record(input, attempt).append('appliance-sign-in', { password: 'kept', outcome: 'accepted' });
      },
    },
    // What was tried says nothing of what is there.
    fingerprint: () => 'the factory password',
  });
};
