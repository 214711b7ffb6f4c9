import type { HsmState, StepInput, StepResult } from '../../domain/results.ts';
import { parseDate, parseEth0 } from '../../systems/lunash/parse.ts';
import { readHsm } from '../../systems/lunash/read-hsm.ts';
import { converge, done, halt, refuse } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'inspect-hsm'>;

export interface Seen {
  hsm: HsmState;
  eth0: string | undefined;
  clock: string;
  /** Is the form known in which it tells the time? */
  clockIsKnown: boolean;
}

/** Somebody else’s HSM is not touched, not even by a sign-in. */
export const foreign = (hsm: HsmState, { request }: Pick<Input, 'request'>) =>
  halt({
    code: 'HSM_FOREIGN',
    tried: `taking over the HSM ${hsm.serial}`,
    summary: `it is initialized with the label “${hsm.label}”, not “${request.hsm.label}”`,
    remedy: 'Somebody else uses this HSM. No SO password was tried. Find out who uses it, or have its owner zeroize it, then retry.',
  });

export const decideInspectHsm = ({ hsm, eth0, clock, clockIsKnown }: Seen, input: Pick<Input, 'request' | 'hsm'>) => {
  if (eth0 !== undefined && eth0 !== input.hsm.address)
    return refuse({
      code: 'HSM_ADDRESS_MISMATCH',
      tried: 'network show',
      summary: `eth0 has the address ${eth0}, not ${input.hsm.address}`,
      remedy: 'Never change it: access would be lost. Find out which appliance this is, then retry.',
    });
  if (!hsm.zeroized && hsm.label !== input.request.hsm.label) return foreign(hsm, input);
  const warnings = [
    ...(eth0 === undefined ? ['The address of eth0 could not be read from network show.'] : []),
    ...(clockIsKnown ? [] : ['The appliance’s clock could not be read.']),
  ];
  return done<StepResult<'inspect-hsm'>>({ hsm, clock, warnings });
};

/** `network show`, `hsm show`, `status date`: only looks. */
export const inspectHsm = ({ luna }: Systems) =>
  converge<Input, Seen, StepResult<'inspect-hsm'>, never>({
    observe: (input, attempt) =>
      luna.shell(input, attempt, async (session) => {
        const eth0 = parseEth0(await session.read('network show'));
        const hsm = await readHsm(session);
        const clock = (await session.read('status date')).trim();
        return { hsm, eth0, clock, clockIsKnown: parseDate(clock) !== undefined };
      }),
    decide: decideInspectHsm,
    act: {},
  });
