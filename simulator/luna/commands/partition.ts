import { required } from '../parse.ts';
import { CommandError, commit, confirm, type Session } from '../session.ts';
import { newPartition, type PartitionState, storageBytes, usedBytes } from '../state.ts';
import type { Command } from './command.ts';
import { inUse } from './hsm.ts';

export function find({ state: { hsm } }: Session, name: string): PartitionState {
  const partition = hsm.partitions.find((candidate) => candidate.name === name);
  if (!partition) throw new CommandError(['Error:  The specified partition does not exist.', "        Use 'partition list' to list all available partitions."]);
  return partition;
}

function needSo({ soSignedIn }: Session, command: string): void {
  if (!soSignedIn)
    throw new CommandError([`Error:  '${command}' failed. (1010000 : LUNA_RET_USER_NOT_LOGGED_IN)`, 'Error:  The HSM Administrator is not logged in.']);
}

/** How large the HSM makes a partition of so many bytes. */
const sizes: Record<string, (asked: number) => number> = {
  exact: (asked) => asked,
  rounded: (asked) => Math.ceil(asked / 1024) * 1024,
  'rounded-down': (asked) => Math.floor(asked / 1024) * 1024,
  coarse: (asked) => Math.ceil(asked / 65_536) * 65_536,
};

const create: Command = {
  words: ['partition', 'create'],
  options: { partition: 'value', size: 'value', allfreestorage: 'switch', force: 'switch' },
  async run(session, options, entry) {
    const { hsm } = session.state;
    const name = required(options, 'partition');
    needSo(session, 'partition create');
    const asked = Number(options['size'] ?? Math.floor(storageBytes / 10));
    const size = sizes[session.world.variants['luna.partitionSize'] ?? 'exact']!(asked);
    if (hsm.partitions.some((partition) => partition.name === name))
      throw new CommandError([
        `Error:  'partition create' failed. (130000 : LUNA_RET_ATTRIBUTE_VALUE_INVALID)`,
        'Error:  A partition with this name already exists.',
      ]);
    if (hsm.partitions.length >= 10 || size > storageBytes - inUse(hsm))
      throw new CommandError([`Error:  'partition create' failed. (300000 : LUNA_RET_DEVICE_ERROR)`, 'Error:  There is no room for another partition.']);
    if (!options['force']) await confirm(session, ['', "          Type 'proceed' to create the partition, or", "          'quit' to quit now."]);
    await commit(session, entry, session.world.durations.partitionCreate, () => {
      hsm.partitions.push(newPartition(name, size));
      session.state.counts.partitionsCreated += 1;
    });
    session.print("'partition create' successful.\n");
  },
};

const list: Command = {
  words: ['partition', 'list'],
  options: {},
  async run({ state: { hsm }, print }) {
    if (hsm.partitions.length === 0) return print('\n   There are no partitions.\n\n');
    const rows = hsm.partitions.map((partition) => {
      const used = usedBytes(partition);
      return ` ${partition.serial.padEnd(15)} ${partition.name.padEnd(22)} ${`${partition.objects.length}`.padStart(7)} ${`${partition.sizeBytes}`.padStart(9)} ${`${used}`.padStart(9)} ${`${partition.sizeBytes - used}`.padStart(9)}`;
    });
    print(`
                                                            Storage (bytes)
                                                      ----------------------------
 Partition       Name                   Objects     Total      Used      Free
 =================================================================================
${rows.join('\n')}

`);
  },
};

const show: Command = {
  words: ['partition', 'show'],
  options: { partition: 'value' },
  async run(session, options) {
    const { partitions } = session.state.hsm;
    const wanted = typeof options['partition'] === 'string' ? [find(session, options['partition'])] : partitions;
    if (wanted.length === 0) return session.print('\n   There are no partitions.\n');
    for (const partition of wanted) session.print(description(partition, session.world.variants['luna.partitionShow'] !== 'brief'));
  },
};

function description(partition: PartitionState, tellsRoles: boolean): string {
  const role = (name: string, initialized: boolean, left: number, mustChange: boolean) =>
    initialized
      ? [
          `   ${name} Locked Out:                    ${left === 0 ? 'yes' : 'no'}`,
          `   ${name} PIN To Be Changed:             ${mustChange ? 'yes' : 'no'}`,
          `   ${name} Login Attempts Left:           ${left} before ${name} is Locked Out`,
        ]
      : [`   ${name} is not initialized.`];
  const roles = [
    ...role('Partition SO', partition.poPassword !== undefined, partition.poAttemptsLeft, false),
    ...role('Crypto Officer', partition.coPassword !== undefined, partition.coAttemptsLeft, partition.coMustChange),
    '   Crypto User is not initialized.',
  ];
  const used = usedBytes(partition);
  return `
   Partition Name:                          ${partition.name}
   Partition SN:                            ${partition.serial}
   Partition Label:                         ${partition.label}
${tellsRoles ? `${roles.join('\n')}\n` : ''}   Legacy Domain Has Been Set:              no
   Partition Storage Information (Bytes):   Total=${partition.sizeBytes}, Used=${used}, Free=${partition.sizeBytes - used}
   Partition Object Count:                  ${partition.objects.length}

`;
}

const remove: Command = {
  words: ['partition', 'delete'],
  options: { partition: 'value', force: 'switch' },
  async run(session, options, entry) {
    const { hsm, clients } = session.state;
    const { name } = find(session, required(options, 'partition'));
    needSo(session, 'partition delete');
    if (!options['force'])
      await confirm(session, [
        `  CAUTION:  Are you sure you wish to delete the partition named:`,
        `            ${name}`,
        '',
        "          Type 'proceed' to delete the partition, or 'quit'",
        '          to quit now.',
      ]);
    await commit(session, entry, 0, () => {
      hsm.partitions = hsm.partitions.filter((partition) => partition.name !== name);
      for (const client of clients) client.partitions = client.partitions.filter((assigned) => assigned !== name);
    });
    session.print("'partition delete' successful.\n");
  },
};

export const partitionCommands: Command[] = [create, list, show, remove];
