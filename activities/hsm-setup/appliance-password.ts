import type { StepInput, StepResult } from '../../domain/results.ts';
import { applianceRefusedUnder } from '../../stores/record/memory.ts';
import { writerOf } from '../../stores/record/writer.ts';
import type { FirstContact } from '../../systems/lunash/luna.ts';
import { type Attempt, act, converge, done, prove, refuse } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { enterHsmHostKey } from '../machine-record.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'appliance-password'>;

/** Which passwords were refused already under this retry: they are not shown again. */
export interface Seen {
  keptRefused: boolean;
  factoryRefused: boolean;
}

/** How the sign-ins ended. */
export interface Proofs {
  kept: FirstContact;
  factory: FirstContact;
}

/** The kept password first: the factory’s is refused wherever it was replaced before. */
export const decideAppliancePassword = ({ keptRefused, factoryRefused }: Seen, { hsmAddress }: Pick<Input, 'hsmAddress'>, proofs: Partial<Proofs>) => {
  if (!keptRefused && !proofs.kept) return prove('kept');
  if (proofs.kept && 'pin' in proofs.kept) return done<StepResult<'appliance-password'>>({ appliance: { address: hsmAddress, pin: proofs.kept.pin } });
  if (!factoryRefused && !proofs.factory) return prove('factory');
  if (proofs.factory && 'pin' in proofs.factory) return act('replace');
  return refuse({
    code: 'HSM_APPLIANCE_PASSWORD_REFUSED',
    tried: `signing in to the HSM at ${hsmAddress}`,
    summary: 'neither the kept nor the factory password is accepted',
    remedy: 'Somebody else set it. Set the kept password yourself (my password set), then retry; a lost one is a support ticket.',
  });
};

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
      const refused = (password: keyof Proofs) => applianceRefusedUnder(entries, password, writerOf(input, attempt));
      return { keptRefused: refused('kept'), factoryRefused: refused('factory') };
    },
    prove: { kept: contact('kept'), factory: contact('factory') },
    decide: decideAppliancePassword,
    act: {
      async replace(input, _, attempt) {
        await record(input, attempt).append('appliance-password-replace-begun', {});
        // That the kept one holds from now on is for its own sign-in to show, and to enter.
        await luna.replaceFactoryPassword(input, { windows: input.windows, address: input.hsmAddress }, attempt);
      },
    },
    // What was tried says nothing of what is there.
    sight: () => 'the factory password',
  });
};
