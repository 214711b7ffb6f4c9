import type { StepInput, StepResult } from '../../domain/results.ts';
import type { FirstContact } from '../../systems/lunash/luna.ts';
import { act, converge, done, lasting, refuse } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'appliance-password'>;

export const decideAppliancePassword = (seen: FirstContact, { hsmAddress }: Pick<Input, 'hsmAddress'>) => {
  if (seen.password === 'kept') return done<StepResult<'appliance-password'>>({ hsm: { address: hsmAddress, pin: seen.pin } });
  if (seen.password === 'factory') return act('replace');
  return refuse({
    tried: `signing in to the HSM at ${hsmAddress}`,
    seen: 'neither the kept nor the factory password is accepted',
    source: 'LunaSH',
    remedy: 'Somebody else set it. Set the kept password by hand (my password set), then retry; a lost one is a support ticket.',
  });
};

/** The first sign-in: `tenantadmin` / `PASSWORD` and the forced change to the kept password. The host key of this contact is pinned. */
export const appliancePassword = ({ luna, settings }: Systems) =>
  converge<Input, FirstContact, StepResult<'appliance-password'>, 'replace'>({
    lasting: lasting(settings, 'lunash-command'),
    observe: (input, { signal }) => luna.firstContact(input, input.windows, input.hsmAddress, signal),
    decide: decideAppliancePassword,
    act: {
      replace: (input, seen, { signal }) =>
        luna.replaceFactoryPassword(
          input,
          { windows: input.windows, hsm: { address: input.hsmAddress, ...('pin' in seen ? { pin: seen.pin } : {}) } },
          'appliance-password',
          signal,
        ),
    },
    sight: ({ password }) => password,
  });
