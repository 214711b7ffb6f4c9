import { notReady, StepFailure } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { requireSecret } from '../../stores/secrets/kept.ts';
import type { PartitionInfo } from '../../systems/lunacm/parse.ts';
import { readHsm } from '../../systems/lunash/read-hsm.ts';
import { type Attempt, act, converge, done, halt, refuse } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { enterLunacmSecrets } from '../machine-record.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'initialize-partition'>;

export interface Seen {
  info: PartitionInfo | undefined;
  /** As the HSM counts them; undefined where it does not list the partition. */
  objects: number | undefined;
}

export const decideInitializePartition = ({ info, objects }: Seen, { request }: Pick<Input, 'request'>) => {
  const { name } = request.hsm.partition;
  const tried = `initializing the partition ${name}`;
  if (!info)
    return refuse({
      code: 'LUNACM_SLOT_MISSING',
      tried,
      summary: 'partition showinfo does not show it',
      remedy: 'Check slot list on the Windows host, then retry.',
    });
  if (info.initialized !== false && info.label === name) return done<StepResult<'initialize-partition'>>({ label: info.label });
  if (objects === undefined)
    return halt({
      code: 'HSM_UNREADABLE',
      tried,
      summary: 'partition list does not show it, so its contents are unknown',
      remedy: 'Nothing was done. Check partition list on the HSM, then retry.',
    });
  if (info.initialized === undefined)
    return halt({
      code: 'HSM_UNREADABLE',
      tried,
      summary: 'partition showinfo does not show whether it is initialized',
      remedy: 'Nothing was done. Check its flags in partition showinfo, then retry.',
    });
  if (info.initialized || info.label !== '' || objects > 0)
    return halt({
      code: 'HSM_PARTITION_FOREIGN',
      tried,
      summary: `it ${info.initialized ? 'is initialized, ' : ''}has the label “${info.label}” and ${objects} objects`,
      remedy: 'Initializing would erase them: abort, and send the request again with another partition.',
    });
  return act('initialize');
};

/** Right before it is initialized, in the session that does it. */
function mustBeNew(seen: Seen, input: Pick<Input, 'request'>): void {
  const next = decideInitializePartition(seen, input);
  if (next.kind === 'stop') throw new StepFailure(next.problem);
  if (next.kind !== 'act') throw notReady('Somebody initialized the partition after the last check. Checking again.');
}

/** `partition init -label …`, with the partition SO’s password and a cloning domain; only where there is no label and no object. */
export const initializePartition = (systems: Systems) => {
  const { luna, secrets } = systems;
  const objectsIn = async (input: Input, attempt: Attempt): Promise<Seen['objects']> => {
    const { partitions } = await luna.shell(input, attempt, readHsm);
    return partitions.find(({ serial }) => serial === input.partitionSerial)?.objects;
  };
  return converge<Input, Seen, StepResult<'initialize-partition'>, 'initialize'>({
    ...leaving(systems, 'lunacm-partition-init'),
    async observe(input, attempt) {
      await recordOf(systems, input, attempt, 'hsm').read();
      const info = await luna.client(input, attempt, (client) => client.info(input.partitionSerial));
      return { info, objects: await objectsIn(input, attempt) };
    },
    decide: decideInitializePartition,
    act: {
      initialize: async (input, { objects }, attempt) => {
        const { partitionSerial: serial } = input;
        const record = recordOf(systems, input, attempt, 'hsm');
        const [password, domain] = [
          await requireSecret(secrets, input.target, 'partition-so-password'),
          await requireSecret(secrets, input.target, 'partition-domain'),
        ];
        await enterLunacmSecrets({ systems, input, attempt });
        await luna.client(input, attempt, (client) =>
          client.mustOn(
            serial,
            [`partition init -label ${input.request.hsm.partition.name} -password ${password} -domain ${domain} -force`],
            [password, domain],
            async (info) => {
              mustBeNew({ info, objects }, input);
              await record.append('partition-initialize-begun', { serial });
              // Once more after the entry, which may take seconds: somebody may have initialized it or put objects in since.
              mustBeNew({ info: await client.info(serial), objects: await objectsIn(input, attempt) }, input);
            },
          ),
        );
      },
    },
  });
};
