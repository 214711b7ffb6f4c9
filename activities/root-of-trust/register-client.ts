import type { StepInput, StepResult } from '../../domain/results.ts';
import { seenOf } from '../../systems/certificates.ts';
import { type Registration, readRegistration } from '../../systems/lunash/registration.ts';
import type { LunashSession } from '../../systems/lunash/session.ts';
import { act, converge, done, halt } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'register-client'>;

export interface Seen {
  client: Registration | undefined;
  serverCertificate: string;
}

export const decideRegisterClient = ({ client, serverCertificate }: Seen, { request }: Pick<Input, 'request'>) => {
  if (!client) return act('register');
  const told = { tried: `registering the client ${client.name}`, source: 'LunaSH' };
  if (!client.certificateIsOurs)
    return halt({
      ...told,
      seen: 'a client of this name is registered with another certificate',
      remedy: 'Find out whose it is; delete it by hand (client delete) if it is of no use, then retry.',
    });
  if (!client.partitions.includes(request.hsm.partition.name)) return act('assign');
  return done<StepResult<'register-client'>>({ client: client.name, registeredBy: client.by, serverCertificate: seenOf(serverCertificate) });
};

/** `client register -ip`, `client assignPartition`, verified by `client show` and the fingerprint; and the HSM’s own certificate, fetched with scp. */
export const registerClient = ({ luna }: Systems) => {
  const client = ({ request }: Input) => request.cipherTrust.vmName;
  const inShell = <T>(input: Input, signal: AbortSignal, work: (session: LunashSession) => Promise<T>) =>
    luna.shell(input, input, 'register-client', signal, work);
  return converge<Input, Seen, StepResult<'register-client'>, 'register' | 'assign'>({
    async observe(input, { signal }) {
      const serverCertificate = await luna.fetch(input, input, 'server.pem', signal);
      const shown = await inShell(input, signal, (session) => readRegistration(session, client(input), input.clientCertificate.pem));
      return { client: shown, serverCertificate };
    },
    decide: decideRegisterClient,
    act: {
      async register(input, _, { signal }) {
        const { address } = input.request.cipherTrust;
        // The appliance looks for a file that is called like the address.
        await luna.put(input, input, `${address}.pem`, input.clientCertificate.pem, signal);
        await inShell(input, signal, async (session) => {
          const byAddress = await session.raw(`client register -client ${client(input)} -ip ${address}`);
          if (byAddress.result === 0 && byAddress.errors.length === 0) return;
          await session.change(`client register -client ${client(input)} -hostname ${address}`, {}, 'client register');
          await session.change(`client hostip map -client ${client(input)} -ip ${address}`);
        });
      },
      assign: (input, _, { signal }) =>
        inShell(
          input,
          signal,
          async (session) =>
            void (await session.change(
              `client assignPartition -client ${client(input)} -partition ${input.request.hsm.partition.name}`,
              {},
              'client assignPartition',
            )),
        ),
    },
    sight: ({ client: shown }) => shown,
  });
};
