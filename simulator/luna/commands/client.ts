import { createHash, X509Certificate } from 'node:crypto';
import { type Options, required } from '../parse.ts';
import { CommandError, commit, confirm, type Session } from '../session.ts';
import type { ClientState } from '../state.ts';
import { wordsOf } from '../words.ts';
import type { Command } from './command.ts';
import { find as findPartition } from './partition.ts';

const unknown = (command: string) =>
  new CommandError([`Error:  '${command}' failed. (C000040A : RC_OBJECT_NOT_IN_LIST)`, '', 'Error:  Specified client does not exist.']);

function find({ state: { clients } }: Session, options: Options, command: string): ClientState {
  const client = clients.find(({ name }) => name === required(options, 'client'));
  if (!client) throw unknown(command);
  return client;
}

const register: Command = {
  words: ['client', 'register'],
  options: { client: 'value', hostname: 'value', ip: 'value', force: 'switch' },
  async run(session, options, entry) {
    const { clients, files } = session.state;
    const name = required(options, 'client');
    const given = (option: string) => (typeof options[option] === 'string' ? (options[option] as string) : undefined);
    const [ip, hostname] = [given('ip'), given('hostname')];
    const host = ip ?? hostname;
    if (!host) throw new CommandError(['Error:  One of -hostname and -ip is needed.']);
    if (clients.some((client) => client.name === name))
      throw new CommandError([
        `Error:  'client register' failed. (C0000406 : RC_OBJECT_ALREADY_IN_LIST)`,
        '',
        'Error:  A client with the same name has already been registered.',
      ]);
    if (ip && clients.some((client) => client.ip === ip))
      throw new CommandError([
        `Error:  'client register' failed. (C0000406 : RC_OBJECT_ALREADY_IN_LIST)`,
        '',
        'Error:  A client with the same IP address has already been registered.',
      ]);
    const certificatePem = files[`${host}.pem`];
    if (ip && session.world.variants['luna.registerByIp'] === 'refused')
      throw new CommandError([`Error:  'client register' failed.`, 'Error:  Cannot find the certificate of this client.']);
    if (!certificatePem)
      throw new CommandError([`Error:  'client register' failed. (C0000409 : RC_FILE_NOT_FOUND)`, '', `Error:  Cannot find the certificate file ${host}.pem.`]);
    if (!new X509Certificate(certificatePem).subject.includes(`CN=${host}`))
      throw new CommandError([`Error:  'client register' failed.`, `Error:  The certificate was not made for ${host}.`]);
    await commit(session, entry, 0, () => void clients.push({ name, ...(ip ? { ip } : { hostname: host }), certificatePem, partitions: [] }));
    session.print("\n'client register' successful.\n");
  },
};

const assignPartition: Command = {
  words: ['client', 'assignPartition'],
  options: { client: 'value', partition: 'value' },
  async run(session, options, entry) {
    const client = find(session, options, 'client assignPartition');
    const { name } = findPartition(session, required(options, 'partition'));
    if (client.partitions.includes(name))
      throw new CommandError([`Error:  'client assignPartition' failed.`, 'Error:  The client already has access to this partition.']);
    await commit(session, entry, 0, () => void client.partitions.push(name));
    session.print("\n\n'client assignPartition' successful.\n");
  },
};

const revokePartition: Command = {
  words: ['client', 'revokePartition'],
  options: { client: 'value', partition: 'value' },
  async run(session, options, entry) {
    const client = find(session, options, 'client revokePartition');
    const name = required(options, 'partition');
    if (!client.partitions.includes(name)) throw new CommandError(['Error:  Specified partition was not assigned to client.']);
    await commit(session, entry, 0, () => {
      client.partitions = client.partitions.filter((partition) => partition !== name);
    });
    session.print("\n'client revokePartition' successful.\n");
  },
};

const show: Command = {
  words: ['client', 'show'],
  options: { client: 'value' },
  async run(session, options) {
    const { name, ip, hostname, partitions } = find(session, options, 'client show');
    const lines = [
      ...wordsOf(session.world).registered,
      `Partitions:   ${partitions.length > 0 ? partitions.map((partition) => `"${partition}"`).join(', ') : '<none>'}`,
    ];
    session.print(`

ClientID:     ${name}
${ip ? `IPAddress:    ${ip}` : `Hostname:     ${hostname}`}
${lines.join('\n')}

`);
  },
};

const list: Command = {
  words: ['client', 'list'],
  options: {},
  async run({ state: { clients }, print }) {
    print(
      clients.length === 0 ? '\nNo clients are registered.\n' : `\n${clients.map(({ name }, index) => `registered client ${index + 1}: ${name}`).join('\n')}\n`,
    );
  },
};

const fingerprint: Command = {
  words: ['client', 'fingerprint'],
  options: { client: 'value' },
  async run(session, options) {
    const client = session.state.clients.find(({ name }) => name === required(options, 'client'));
    if (!client)
      throw new CommandError([
        'Error:  The client you specified does not exist.',
        "        Use 'client list' to list all available clients.",
        `Error:  'client fingerprint' failed. (C000040A : RC_OBJECT_NOT_IN_LIST)`,
      ]);
    const algorithm = session.world.variants['luna.clientFingerprint'] === 'md5' ? 'md5' : 'sha256';
    const digest = createHash(algorithm).update(new X509Certificate(client.certificatePem).raw).digest('hex').toUpperCase();
    session.print(`\n\nCertificate fingerprint: ${digest.match(/../g)!.join(':')}\n\n`);
  },
};

const remove: Command = {
  words: ['client', 'delete'],
  options: { client: 'value', force: 'switch' },
  async run(session, options, entry) {
    const client = find(session, options, 'client delete');
    if (!options['force'])
      await confirm(session, [
        'CAUTION:  Are you sure you wish to delete client named:',
        `            ${client.name}`,
        '',
        "          Type 'proceed' to delete the client, or 'quit'",
        '          to quit now.',
      ]);
    await commit(session, entry, 0, () => {
      session.state.clients = session.state.clients.filter(({ name }) => name !== client.name);
    });
    session.print("'client delete' successful.\n");
  },
};

const hostip: Command = {
  words: ['client', 'hostip'],
  options: { client: 'value', ip: 'value' },
  positional: 1,
  async run(session, options, entry, [verb = 'show']) {
    if (verb === 'show') return session.print(`\n${session.state.clients.map(({ name, mappedIp }) => `   ${name}   ${mappedIp ?? '<none>'}`).join('\n')}\n`);
    const client = find(session, options, `client hostip ${verb}`);
    if (verb === 'map' && client.mappedIp) throw new CommandError(['Error:  This client is already mapped.']);
    await commit(session, entry, 0, () => {
      if (verb === 'map') client.mappedIp = required(options, 'ip');
      else delete client.mappedIp;
    });
    session.print(`\n'client hostip ${verb}' successful.\n`);
  },
};

export const clientCommands: Command[] = [register, assignPartition, revokePartition, show, list, fingerprint, remove, hostip];
