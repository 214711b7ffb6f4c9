import type { StepInput, StepResult } from '../../domain/results.ts';
import { type PartitionRow, parsePartitionList } from '../../systems/lunash/parse.ts';
import { act, converge, done, halt } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'create-partition'>;

export const decideCreatePartition = (partitions: PartitionRow[], { request: { hsm } }: Pick<Input, 'request'>) => {
  const found = partitions.find(({ name }) => name === hsm.partition.name);
  if (!found) return act('create');
  if (found.totalBytes !== hsm.partition.sizeBytes && found.objects > 0)
    return halt({
      tried: `creating the partition ${found.name}`,
      seen: `one of this name has ${found.totalBytes} bytes and holds ${found.objects} objects`,
      source: 'LunaSH',
      remedy: 'It is in use: choose another name in a new request.',
    });
  return done<StepResult<'create-partition'>>({ partition: { name: found.name, serial: found.serial, sizeBytes: found.totalBytes } });
};

/** `partition create -p … -s …`, verified by `partition list` and `partition show`. */
export const createPartition = ({ luna }: Systems) =>
  converge<Input, PartitionRow[], StepResult<'create-partition'>, 'create'>({
    observe: (input, { signal }) =>
      luna.shell(input, input, 'create-partition', signal, async (session) => parsePartitionList(await session.read('partition list'))),
    decide: decideCreatePartition,
    act: {
      create: (input, _, { signal }) =>
        luna.shell(input, input, 'create-partition', signal, async (session) => {
          const { name, sizeBytes } = input.request.hsm.partition;
          await luna.signInAsSo(input, session);
          await session.change(`partition create -partition ${name} -size ${sizeBytes}`, { proceed: true }, 'partition create');
          await session.raw(`partition show -partition ${name}`);
        }),
    },
  });
