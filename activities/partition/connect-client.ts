import type { StepInput, StepResult } from '../../domain/results.ts';
import { hasFingerprint } from '../../systems/certificates.ts';
import type { Slot } from '../../systems/lunacm/parse.ts';
import { parseClientList, parseFingerprint } from '../../systems/lunash/parse.ts';
import { kept } from '../../systems/secrets/kept.ts';
import { act, converge, done, halt } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'connect-client'>;

export interface Seen {
  slots: Slot[];
  /** Is a client of the host’s name registered with the HSM, and is its certificate the host’s? */
  registered: 'no' | 'ours' | 'foreign';
}

/** The host is registered under its private address. */
const clientOf = ({ request }: Pick<Input, 'request'>): string => request.lunaClient.address;

export const decideConnectClient = ({ slots, registered }: Seen, input: Pick<Input, 'request' | 'partitionSerial'>) => {
  const slot = slots.find(({ serial }) => serial === input.partitionSerial);
  if (slot) return done<StepResult<'connect-client'>>({ slot: slot.slot });
  if (registered === 'foreign')
    return halt({
      tried: `registering the client ${clientOf(input)}`,
      seen: 'a client of this name is registered with another certificate than this host’s',
      source: 'LunaSH',
      remedy: 'Find out whose it is; delete it by hand (client delete) if it is of no use, then retry.',
    });
  return registered === 'ours' ? act('redeploy') : act('deploy');
};

/** `clientconfig deploy`: the trust link between the Luna client and the HSM, until the partition shows as a slot. */
export const connectClient = ({ luna, secrets }: Systems) => {
  const deploy = (input: Input, signal: AbortSignal) =>
    luna.client(input, input, 'connect-client', signal, async (client) => {
      const password = await kept(secrets, input.target, 'appliance-password');
      const { hsm } = input.request;
      await client.must(
        [
          `clientconfig deploy -server ${input.hsm.address} -client ${clientOf(input)} -partition ${hsm.partition.name} -user tenantadmin -password ${password} -force -verbose`,
        ],
        [password],
      );
    });
  return converge<Input, Seen, StepResult<'connect-client'>, 'deploy' | 'redeploy'>({
    async observe(input, { signal }) {
      const { slots, certificate } = await luna.client(input, input, 'connect-client', signal, async (client) => ({
        slots: await client.slots(),
        certificate: await client.ownCertificate(clientOf(input)),
      }));
      return luna.shell(input, input, 'connect-client', signal, async (session) => {
        if (!parseClientList(await session.read('client list')).includes(clientOf(input))) return { slots, registered: 'no' };
        const fingerprint = parseFingerprint(await session.read(`client fingerprint -client ${clientOf(input)}`));
        return { slots, registered: certificate && fingerprint && hasFingerprint(certificate, fingerprint) ? 'ours' : 'foreign' };
      });
    },
    decide: decideConnectClient,
    act: {
      deploy: (input, _, { signal }) => deploy(input, signal),
      async redeploy(input, _, { signal }) {
        await luna.shell(
          input,
          input,
          'connect-client',
          signal,
          async (session) => void (await session.change(`client delete -client ${clientOf(input)}`, { proceed: true }, 'client delete')),
        );
        await deploy(input, signal);
      },
    },
  });
};
