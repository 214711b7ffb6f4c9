import type { StepInput, StepResult } from '../../domain/results.ts';
import { rootKeys } from '../../systems/ciphertrust/before-setup.ts';
import { type HsmServer, isServerOf, nameOf, readServers } from '../../systems/ciphertrust/holds.ts';
import { entriesOf } from '../../systems/ciphertrust/manager.ts';
import { converge, done, halt, lasting } from '../converge.ts';
import { signedIn } from '../manager.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'verify-root-of-trust'>;

export interface Seen {
  version: string;
  servers: HsmServer[];
  /** Undefined where this version does not tell. */
  sealer: string | undefined;
  /** How many root of trust keys it lists; undefined where this version does not tell. */
  rotKeys?: number | undefined;
  /** Labels of the objects in the partition. */
  objects: string[];
}

export const decideVerifyRootOfTrust = (
  { version, servers, sealer, rotKeys, objects }: Seen,
  { hsm, partitionSerial }: Pick<Input, 'hsm' | 'partitionSerial'>,
) => {
  const entry = servers.find((server) => isServerOf(server, partitionSerial) && server.config?.host?.toLowerCase() === hsm.address.toLowerCase());
  const wrong = [
    ...(entry ? [] : [`System > HSMs lists ${servers.length === 0 ? 'no HSM' : servers.map(nameOf).join(', ')}, not ${hsm.address} ${partitionSerial}`]),
    ...(sealer === 'none' ? ['the master key is not sealed by the HSM'] : []),
    ...rootKeys.filter((label) => !objects.includes(label)).map((label) => `the partition does not hold ${label}`),
  ];
  if (!entry || wrong.length > 0)
    return halt({
      tried: 'verifying the root of trust',
      seen: wrong.join('; '),
      source: 'CipherTrust Manager and the HSM',
      remedy: `Do not use this CipherTrust Manager. Look at System > HSMs and its log. Retry looks again; ${
        servers.some((server) => isServerOf(server, partitionSerial))
          ? 'a new job leaves a manager that lists the partition as it is: if nothing in it is needed, abort, delete its VM by hand, and send the request again.'
          : 'abort and send the request again to have it set up anew.'
      }`,
    });
  return done<StepResult<'verify-root-of-trust'>>({
    version,
    entry: { id: entry.id ?? 'not told', host: entry.config!.host!, serial: partitionSerial },
    ...(sealer ? { sealer } : {}),
    rootKeys,
    warnings: [
      ...(sealer ? [] : ['CipherTrust Manager does not tell who seals the master key.']),
      ...(rotKeys === 0 ? ['CipherTrust Manager lists no root of trust key.'] : []),
    ],
  });
};

/** “Verify that the HSM has been added on System > HSMs”, and that it really holds the root keys. */
export const verifyRootOfTrust = (systems: Systems) =>
  converge<Input, Seen, StepResult<'verify-root-of-trust'>, never>({
    lasting: lasting(systems.settings, 'lunacm-script'),
    async observe(input, attempt) {
      const manager = await signedIn({ systems, input, attempt }, input.cipherTrust);
      const { version = 'unknown' } = (await manager.ask<{ version?: string } | null>('GET', '/v1/system/info')) ?? {};
      const servers = await readServers(manager);
      const mkeks = await manager.whereKnown<object>('GET', '/v1/system/mkeks');
      const sealers = entriesOf<{ sealer_name?: string }>(mkeks).flatMap(({ sealer_name }) => sealer_name ?? []);
      const known = await manager.whereKnown<object>('GET', '/v1/system/rot-keys');
      const rotKeys = known && entriesOf(known).length;
      const objects = await systems.luna.partitionContents(input, input.partitionSerial, attempt.signal);
      return { version, servers, sealer: sealers.includes('none') ? 'none' : sealers[0], rotKeys, objects };
    },
    decide: decideVerifyRootOfTrust,
    act: {},
  });
