import { notReady, StepFailure } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { kept } from '../../stores/secrets/kept.ts';
import type { PartitionInfo } from '../../systems/lunacm/parse.ts';
import { act, converge, done, halt, lasting, refuse } from '../converge.ts';
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
  const tried = `initialising the partition ${name}`;
  if (!info)
    return refuse({ tried, seen: 'partition showinfo does not show it', source: 'lunacm', remedy: 'Look at slot list on the Windows host, then retry.' });
  if (info.initialised !== false && info.label === name) return done<StepResult<'initialize-partition'>>({ label: info.label });
  if (objects === undefined)
    return halt({
      tried,
      seen: 'partition list does not show it, so that nobody knows what is in it',
      source: 'LunaSH',
      remedy: 'Nothing was done. Look at partition list by hand, then retry.',
    });
  if (info.initialised === undefined)
    return halt({
      tried,
      seen: 'partition showinfo does not tell whether it is initialised',
      source: 'lunacm',
      remedy: 'Nothing was done. Look at its flags by hand, then retry.',
    });
  if (info.initialised || info.label !== '' || objects > 0)
    return halt({
      tried,
      seen: `it ${info.initialised ? 'is initialised, ' : ''}has the label “${info.label}” and ${objects} objects`,
      source: 'lunacm',
      remedy: 'Initialising would erase them: choose another partition in a new request.',
    });
  return act('initialize');
};

/** `partition init -label …`, with the partition SO’s password and a cloning domain; only where there is no label and no object. */
export const initializePartition = (systems: Systems) => {
  const { luna, secrets, settings } = systems;
  return converge<Input, Seen, StepResult<'initialize-partition'>, 'initialize'>({
    lasting: lasting(settings, 'lunacm-script'),
    async observe(input, attempt) {
      const { signal } = attempt;
      await recordOf(systems, input, attempt, 'hsm').read();
      const info = await luna.client(input, input, 'initialize-partition', signal, (client) => client.info(input.partitionSerial));
      const { partitions } = await luna.inspect(input, input, 'initialize-partition', signal);
      return { info, objects: partitions.find(({ serial }) => serial === input.partitionSerial)?.objects };
    },
    decide: decideInitializePartition,
    act: {
      initialize: async (input, { objects }, attempt) => {
        const { partitionSerial: serial } = input;
        const record = recordOf(systems, input, attempt, 'hsm');
        const [password, domain] = [await kept(secrets, input.target, 'partition-so-password'), await kept(secrets, input.target, 'partition-domain')];
        // Once more right before it, in the session that does it: somebody may have initialised it since.
        const stillNew = async (info: PartitionInfo) => {
          const next = decideInitializePartition({ info, objects }, input);
          if (next.kind === 'stop') throw new StepFailure(next.problem);
          if (next.kind !== 'act') throw notReady('It was initialised since the look before, and is looked at again.');
          await record.append('partition-initialize-begun', { serial });
        };
        await luna.client(input, input, 'initialize-partition', attempt.signal, (client) =>
          client.mustOn(
            serial,
            [`partition init -label ${input.request.hsm.partition.name} -password ${password} -domain ${domain} -force`],
            [password, domain],
            stillNew,
          ),
        );
        await record.append('partition-initialized', { serial });
      },
    },
  });
};
