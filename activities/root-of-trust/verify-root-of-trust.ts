import { StepFailure } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { signedIn } from '../../systems/ciphertrust/ciphertrust.ts';
import { converge, done, halt } from '../converge.ts';
import type { Systems } from '../systems.ts';
import { type HsmServer, nameOf } from './set-root-of-trust.ts';

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

/** The two keys that CipherTrust Manager keeps in its root of trust, whatever their handles are. */
const rootKeys = ['DARKSTARKEY-mac-key', 'DARKSTARKEY-encryption-key'];

export const decideVerifyRootOfTrust = (
  { version, servers, sealer, rotKeys, objects }: Seen,
  { hsm, partitionSerial }: Pick<Input, 'hsm' | 'partitionSerial'>,
) => {
  const entry = servers.find(({ config }) => config?.serial === partitionSerial && config?.host === hsm.address);
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
      remedy: 'Do not use this CipherTrust Manager. Look at System > HSMs and its log; retry looks again.',
    });
  return done<StepResult<'verify-root-of-trust'>>({
    version,
    entry: { id: entry.id, host: entry.config!.host!, serial: partitionSerial },
    ...(sealer ? { sealer } : {}),
    rootKeys,
    warnings: [
      ...(sealer ? [] : ['CipherTrust Manager does not tell who seals the master key.']),
      ...(rotKeys === 0 ? ['CipherTrust Manager lists no root of trust key.'] : []),
    ],
  });
};

/** “Verify that the HSM has been added on System > HSMs”, and that it really holds the root keys. */
export const verifyRootOfTrust = ({ cipherTrust, secrets, luna }: Systems) =>
  converge<Input, Seen, StepResult<'verify-root-of-trust'>, never>({
    async observe(input, { signal }) {
      const manager = await signedIn(cipherTrust, secrets, input, input.cipherTrust, signal);
      const { version = 'unknown' } = await manager.ask<{ version?: string }>('GET', '/v1/system/info');
      const servers = await manager.list<HsmServer>('/v1/system/hsm/servers');
      const sealers = (await whereKnown(manager.list<{ sealer_name?: string }>('/v1/system/mkeks')))?.map(({ sealer_name }) => sealer_name ?? 'none') ?? [];
      const rotKeys = (await whereKnown(manager.list('/v1/system/rot-keys')))?.length;
      const objects = await luna.partitionContents(input, input.slot, input.partitionSerial, signal);
      return { version, servers, sealer: sealers.includes('none') ? 'none' : sealers[0], rotKeys, objects };
    },
    decide: decideVerifyRootOfTrust,
    act: {},
  });

/** What only some versions tell: undefined where it is refused. */
const whereKnown = <T>(looking: Promise<T>): Promise<T | undefined> =>
  looking.catch((error: unknown) => {
    if (error instanceof StepFailure && error.problem.kind === 'Refused') return undefined;
    throw error;
  });
