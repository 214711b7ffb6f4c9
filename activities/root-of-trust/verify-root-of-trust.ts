import { Type } from 'typebox';
import type { ProblemOf } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { refusedUnder } from '../../stores/record/memory.ts';
import { writerOf } from '../../stores/record/writer.ts';
import { rootKeys } from '../../systems/ciphertrust/before-setup.ts';
import { type HsmServer, hostOf, isServerOf, nameOf, readServers } from '../../systems/ciphertrust/holds.ts';
import { listedIn } from '../../systems/ciphertrust/manager.ts';
import { readFields } from '../../systems/foreign.ts';
import { doNotRetry } from '../../systems/lunacm/roles.ts';
import { type Attempt, converge, done, halt, prove } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { enterLunacmSecrets } from '../machine-record.ts';
import { signedIn } from '../manager.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'verify-root-of-trust'>;

export interface Seen {
  version: string;
  servers: HsmServer[];
  /** Undefined where this version does not tell. */
  sealer: string | undefined;
  /** How many root of trust keys it lists; undefined where this version does not tell. */
  rotKeys?: number | undefined;
  /** Was the crypto officer’s kept password refused under this very retry? */
  coRefused: boolean;
}

export interface Proofs {
  /** Labels of the objects in the partition, as the crypto officer sees them. */
  contents: string[];
}

type Wanted = Pick<Input, 'hsm' | 'partitionSerial'>;

/** The entry on System > HSMs that this job is to leave behind. */
const wantedEntry = ({ servers }: Seen, { hsm, partitionSerial }: Wanted): HsmServer | undefined =>
  servers.find((server) => isServerOf(server, partitionSerial) && hostOf(server)?.toLowerCase() === hsm.address.toLowerCase());

/** What speaks against this root of trust; keys in the partition count once they were looked at. */
function faultsOf(seen: Seen, wanted: Wanted, { contents }: Partial<Proofs>): string[] {
  const listed = seen.servers.length === 0 ? 'no HSM' : seen.servers.map(nameOf).join(', ');
  const missing = contents === undefined ? [] : rootKeys.filter((label) => !contents.includes(label));
  return [
    ...(wantedEntry(seen, wanted) ? [] : [`System > HSMs lists ${listed}, not ${wanted.hsm.address} ${wanted.partitionSerial}`]),
    ...(seen.sealer === 'none' ? ['the master key is not sealed by the HSM'] : []),
    ...missing.map((label) => `the partition does not hold ${label}`),
  ];
}

const warningsOf = ({ sealer, rotKeys }: Seen): string[] => [
  ...(sealer ? [] : ['CipherTrust Manager does not report what seals the master key.']),
  ...(rotKeys === 0 ? ['CipherTrust Manager lists no root of trust key.'] : []),
];

export const decideVerifyRootOfTrust = (seen: Seen, wanted: Wanted, proofs: Partial<Proofs>) => {
  const { version, servers, sealer, coRefused } = seen;
  const { partitionSerial } = wanted;
  const entry = wantedEntry(seen, wanted);
  const faults = faultsOf(seen, wanted, proofs);
  if (!entry || faults.length > 0)
    return halt({
      code: 'CIPHERTRUST_ROOT_OF_TRUST_WRONG',
      tried: 'verifying the root of trust',
      summary: faults.join('; '),
      remedy: `Do not use this CipherTrust Manager. Check System > HSMs and its log, then retry. ${
        servers.some((server) => isServerOf(server, partitionSerial))
          ? 'A new job does not change a manager that lists the partition. If nothing in it is needed, abort, delete its VM, and send the request again.'
          : 'To set it up again, abort and send the request again.'
      }`,
    });
  if (!proofs.contents) return coRefused ? halt(coWasRefused) : prove('contents');
  return done<StepResult<'verify-root-of-trust'>>({
    version,
    entry: { id: entry.id ?? 'not told', host: hostOf(entry)!, serial: partitionSerial },
    ...(sealer ? { sealer } : {}),
    rootKeys,
    warnings: warningsOf(seen),
  });
};

const coWasRefused: ProblemOf<'Unsafe'> = {
  code: 'LUNACM_PASSWORD_REFUSED',
  tried: 'reading the contents of the partition',
  summary: 'the stored password of the crypto officer was refused',
  remedy: doNotRetry('co'),
};

/** “Verify that the HSM has been added on System > HSMs”, and that it really holds the root keys. */
export const verifyRootOfTrust = (systems: Systems) => {
  const { luna } = systems;
  const record = (input: Input, attempt: Attempt) => recordOf(systems, input, attempt, 'hsm');
  return converge<Input, Seen, StepResult<'verify-root-of-trust'>, never, Proofs>({
    ...leaving(systems, 'lunacm-script'),
    async observe(input, attempt) {
      const entries = await record(input, attempt).read();
      const manager = await signedIn({ systems, input, attempt }, input.cipherTrust);
      const { version = 'unknown' } = readFields({ version: Type.String() }, await manager.ask('GET', '/v1/system/info'));
      const servers = await readServers(manager);
      const mkeks = await manager.whereKnown('GET', '/v1/system/mkeks');
      const sealers = listedIn(mkeks).flatMap((mkek) => readFields({ sealer_name: Type.String() }, mkek).sealer_name ?? []);
      const known = await manager.whereKnown('GET', '/v1/system/rot-keys');
      const rotKeys = known === undefined ? undefined : listedIn(known).length;
      const coRefused = refusedUnder(entries, { role: 'co', partitionSerial: input.partitionSerial }, writerOf(input, attempt));
      return { version, servers, sealer: sealers.includes('none') ? 'none' : sealers[0], rotKeys, coRefused };
    },
    prove: {
      async contents(input, _, attempt) {
        await enterLunacmSecrets({ systems, input, attempt });
        return luna.partitionContents(input, input.partitionSerial, { ...attempt, record: record(input, attempt) });
      },
    },
    decide: decideVerifyRootOfTrust,
    act: {},
  });
};
