import { quoting, refused, unsafe } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import type { TargetRecord } from '../../stores/record/record.ts';
import { seenOf } from '../../systems/certificates.ts';
import { changeOnRecord, rawOnRecord } from '../../systems/lunash/on-record.ts';
import { mustBePartition } from '../../systems/lunash/read-hsm.ts';
import { deleteOurClient, parseMapping, type Registration, readRegistration } from '../../systems/lunash/registration.ts';
import type { LunashSession } from '../../systems/lunash/session.ts';
import { type Attempt, act, converge, done, halt } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { enterManagerSecrets } from '../manager.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'register-client'>;

export interface Seen {
  client: Registration | undefined;
  /** Where it is registered by host name: the address that this name is mapped to, or `none`; undefined where that is not told. */
  mapping?: string | undefined;
  serverCertificate: string;
  /** Certificates for the manager’s address that were made here. */
  certificates: string[];
}

export const decideRegisterClient = (
  { client, mapping, serverCertificate }: Omit<Seen, 'certificates'>,
  { request: { hsm, cipherTrust } }: Pick<Input, 'request'>,
) => {
  if (!client) return act('register');
  if (!client.certificateIsOurs && client.certificateWasOurs) return act('replace');
  if (!client.certificateIsOurs)
    return halt({
      code: 'HSM_CLIENT_FOREIGN',
      tried: `registering the client ${client.name}`,
      summary: 'a client of this name is registered with a certificate that was not made here',
      remedy: 'Find out who uses it. If nobody does, delete it on the HSM (client delete), then retry.',
    });
  if (client.by === 'hostname' && mapping !== undefined && mapping !== cipherTrust.address) return act('map');
  if (!client.partitions.includes(hsm.partition.name)) return act('assign');
  return done<StepResult<'register-client'>>({ client: client.name, registeredBy: client.by, serverCertificate: seenOf(serverCertificate) });
};

const client = ({ request }: Pick<Input, 'request'>): string => request.cipherTrust.vmName;

/**
 * `client register -ip`, `client assignPartition`, verified by `client show` and the fingerprint; and the HSM’s own certificate, fetched with scp. An
 * appliance that does not find the certificate by address gets it by host name, mapped to the address: there is no DNS for it in Azure.
 */
export const registerClient = (systems: Systems) => {
  const { luna } = systems;
  const inShell = <T>(input: Input, attempt: Attempt, work: (session: LunashSession) => Promise<T>) => luna.shell(input, attempt, work);
  const record = (input: Input, attempt: Attempt) => recordOf(systems, input, attempt, 'hsm');
  const enterAccess = (input: Input, attempt: Attempt) => enterManagerSecrets({ systems, input, attempt }, 'access to the partition');
  const register = async (input: Input, attempt: Attempt) => {
    const { address } = input.request.cipherTrust;
    await enterAccess(input, attempt);
    // The appliance looks for a file that is called like the address.
    await luna.put(input, `${address}.pem`, input.clientCertificate.pem, attempt);
    await inShell(input, attempt, async (session) => {
      const command = `client register -client ${client(input)}`;
      const enter = () => record(input, attempt).append('client-register-begun', { client: client(input) });
      await enter();
      const { result, errors, text } = await session.raw(`${command} -ip ${address}`);
      if (result === 0 && errors.length === 0) return;
      if (/already been registered/i.test(text)) throw addressTaken(address, errors);
      await enter();
      await session.change(`${command} -hostname ${address}`, {}, 'client register');
      await map(session, input, record(input, attempt));
    });
  };
  return converge<Input, Seen, StepResult<'register-client'>, 'register' | 'replace' | 'map' | 'assign'>({
    ...leaving(systems, 'lunash-command', 'lunash-access', 'lunash-client-removal'),
    async observe(input, attempt) {
      await record(input, attempt).read();
      const serverCertificate = await luna.fetch(input, 'server.pem', attempt);
      const { address } = input.request.cipherTrust;
      const made = await luna.client(input, attempt, async (host) => [
        ...(await host.certificates(address, 'own')),
        ...(await host.certificates(address, 'certificate')),
      ]);
      const certificates = [input.clientCertificate.pem, ...made];
      return inShell(input, attempt, async (session) => {
        const found = await readRegistration(session, client(input), input.clientCertificate.pem, certificates);
        const mapping = found?.by === 'hostname' ? parseMapping((await session.tryRead('client hostip show')).text, client(input)) : undefined;
        return { client: found, mapping, serverCertificate, certificates };
      });
    },
    decide: decideRegisterClient,
    act: {
      register: (input, _, attempt) => register(input, attempt),
      async replace(input, { certificates }, attempt) {
        await inShell(input, attempt, (session) => deleteOurClient(session, client(input), certificates, record(input, attempt)));
        await register(input, attempt);
      },
      map: (input, _, attempt) => inShell(input, attempt, (session) => map(session, input, record(input, attempt))),
      async assign(input, _, attempt) {
        await enterAccess(input, attempt);
        const { name } = input.request.hsm.partition;
        await inShell(input, attempt, async (session) => {
          const { partitionSerial } = input;
          await record(input, attempt).append('client-assign-begun', { client: client(input), partitionSerial });
          // After the entry, which may take seconds.
          await mustBePartition(session, { name, serial: partitionSerial });
          await session.change(`client assignPartition -client ${client(input)} -partition ${name}`, {}, 'client assignPartition');
        });
      },
    },
    fingerprint: ({ client: shown, mapping }) => [shown, mapping],
  });
};

/** A name that is mapped already is taken off its address first. */
async function map(session: LunashSession, input: Pick<Input, 'request'>, record: TargetRecord<'hsm'>): Promise<void> {
  const [name, { address }] = [client(input), input.request.cipherTrust];
  const command = `client hostip map -client ${name} -ip ${address}`;
  const { result, errors, text } = await rawOnRecord(session, record, command);
  if (result === 0 && errors.length === 0) return;
  if (!/already (?:been )?mapped/i.test(text))
    throw refused({
      code: 'HSM_COMMAND_FAILED',
      tried: command,
      summary: 'the command did not succeed',
      ...quoting('LunaSH', errors.join(' ') || text.slice(-200)),
      remedy: 'Check the appliance, then retry.',
    });
  const mapped = parseMapping((await session.tryRead('client hostip show')).text, name);
  if (mapped === address) return;
  await changeOnRecord(session, record, `client hostip unmap -client ${name}${mapped && mapped !== 'none' ? ` -ip ${mapped}` : ''}`);
  await changeOnRecord(session, record, command);
}

const addressTaken = (address: string, errors: string[]) =>
  unsafe({
    code: 'HSM_CLIENT_FOREIGN',
    tried: `registering a client with the address ${address}`,
    summary: 'another client has this address',
    ...quoting('LunaSH', errors.join(' ')),
    remedy: 'Find out which client has it (client list, client show). If nobody uses that client, delete it (client delete), then retry.',
  });
