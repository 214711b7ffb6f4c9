import { setTimeout as sleep } from 'node:timers/promises';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { requireSecret } from '../../stores/secrets/kept.ts';
import type { LunaClient } from '../../systems/lunacm/luna-client.ts';
import type { Slot } from '../../systems/lunacm/parse.ts';
import { mustBePartition } from '../../systems/lunash/read-hsm.ts';
import { deleteOurClient, readRegistration } from '../../systems/lunash/registration.ts';
import { type Attempt, act, converge, done, halt } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { enterLunacmSecrets } from '../machine-record.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'connect-client'>;

export interface Seen {
  slots: Slot[];
  /** Is a client of the host’s name registered with the HSM, and with a certificate that was made on this host? */
  registered: 'no' | 'ours' | 'foreign';
  /** Every certificate that was made on this host for itself. */
  certificates: string[];
}

/** The host is registered under its private address. */
const clientOf = ({ request }: Pick<Input, 'request'>): string => request.lunaClient.address;

const partitionOf = ({ request, partitionSerial }: Input) => ({ name: request.hsm.partition.name, serial: partitionSerial });

export const decideConnectClient = ({ slots, registered }: Omit<Seen, 'certificates'>, input: Pick<Input, 'request' | 'partitionSerial'>) => {
  const slot = slots.find(({ serial }) => serial === input.partitionSerial);
  if (slot) return done<StepResult<'connect-client'>>({ slot: slot.slot });
  if (registered === 'foreign')
    return halt({
      code: 'HSM_CLIENT_FOREIGN',
      tried: `registering the client ${clientOf(input)}`,
      summary: 'a client of this name is registered with a certificate that was not made on this host',
      remedy: 'Find out who uses it. If nobody does, delete it on the HSM (client delete), then retry.',
    });
  return registered === 'ours' ? act('redeploy') : act('deploy');
};

/** How often a registered client’s slots are looked at before its registration counts as no good: NTLS takes a few seconds to notice one. */
const looks = 5;

/** `clientconfig deploy`: the trust link between the Luna client and the HSM, until the partition shows as a slot. */
export const connectClient = (systems: Systems) => {
  const { luna, secrets, settings } = systems;
  const record = (input: Input, attempt: Attempt) => recordOf(systems, input, attempt, 'hsm');
  const deploy = (input: Input, attempt: Attempt) =>
    luna.client(input, attempt, async (client) => {
      const password = await requireSecret(secrets, input.target, 'appliance-password');
      const { hsm } = input.request;
      await enterLunacmSecrets({ systems, input, attempt });
      await record(input, attempt).append('client-deploy-begun', { client: clientOf(input) });
      // lunacm has a session of its own with the HSM, so this is as late as it can be.
      await luna.shell(input, attempt, (session) => mustBePartition(session, partitionOf(input)));
      await client.deploy(
        `clientconfig deploy -server ${input.hsm.address} -client ${clientOf(input)} -partition ${hsm.partition.name} -user tenantadmin -password ${password} -force -verbose`,
        clientOf(input),
        [password],
      );
    });
  return converge<Input, Seen, StepResult<'connect-client'>, 'deploy' | 'redeploy'>({
    ...leaving(systems, 'lunash-client-removal', 'clientconfig-deploy'),
    async observe(input, attempt) {
      await record(input, attempt).read();
      const onHost = <T>(work: (client: LunaClient) => Promise<T>) => luna.client(input, attempt, work);
      const certificates = await onHost((client) => client.certificates(clientOf(input), 'own'));
      const found = await luna.shell(input, attempt, (session) => readRegistration(session, clientOf(input), undefined, certificates));
      const registered = found ? (found.certificateWasOurs ? 'ours' : 'foreign') : 'no';
      for (let look = 1; ; look++) {
        const slots = await onHost((client) => client.slots());
        const isThere = slots.some(({ serial }) => serial === input.partitionSerial);
        if (isThere || registered !== 'ours' || look === looks) return { slots, certificates, registered };
        await sleep(settings.commandMs / 50, undefined, { signal: attempt.signal });
      }
    },
    decide: decideConnectClient,
    act: {
      deploy: (input, _, attempt) => deploy(input, attempt),
      async redeploy(input, { certificates }, attempt) {
        await luna.shell(input, attempt, async (session) => {
          await mustBePartition(session, partitionOf(input));
          await deleteOurClient(session, clientOf(input), certificates, record(input, attempt));
        });
        await deploy(input, attempt);
      },
    },
    // Each deployment makes another certificate: that alone is no progress.
    fingerprint: ({ slots, registered }) => [slots, registered],
  });
};
