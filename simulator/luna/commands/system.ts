import { X509Certificate } from 'node:crypto';
import { selfSigned } from '../../certificates.ts';
import { changePassword } from '../first-sign-in.ts';
import { CommandError, commit, confirm } from '../session.ts';
import type { ApplianceState } from '../state.ts';
import { wordsOf } from '../words.ts';
import type { Command } from './command.ts';

/** Hours east of UTC of the zones that an appliance may be set to. */
const zones: Record<string, number> = { UTC: 0, GMT: 0, EDT: -4, EST: -5, CET: 1 };

export const applianceTime = ({ clock }: ApplianceState): Date => new Date(Date.now() + clock.skewMinutes * 60_000);
const localTime = (state: ApplianceState): Date => new Date(applianceTime(state).getTime() + (zones[state.clock.zone] ?? 0) * 3_600_000);

const date: Command = {
  words: ['status', 'date'],
  options: {},
  async run({ state, print }) {
    const [day, date, month, year, time] = localTime(state).toUTCString().replace(',', '').split(' ');
    print(`\n${day} ${month} ${date} ${time} ${state.clock.zone} ${year}\n\n`);
  },
};

const time: Command = {
  words: ['sysconf', 'time'],
  options: {},
  positional: 2,
  async run(session, _, entry, [clock = '', day = '']) {
    const [, hour, minute] = /^(\d{2}):(\d{2})/.exec(clock) ?? [];
    const [, year, month, date] = /^(\d{4})(\d{2})(\d{2})$/.exec(day) ?? [];
    if (!hour || !year) throw new CommandError(['Error:  The time is HH:MM YYYYMMDD.']);
    const { state } = session;
    await commit(session, entry, 0, () => {
      const wanted =
        Date.UTC(Number(year), Number(month) - 1, Number(date), Number(hour), Number(minute), new Date().getUTCSeconds()) -
        (zones[state.clock.zone] ?? 0) * 3_600_000;
      state.clock.skewMinutes = Math.round((wanted - Date.now()) / 60_000);
    });
    session.print("\n'sysconf time' successful.\n");
  },
};

const network: Command = {
  words: ['network', 'show'],
  options: {},
  async run({ world, state, print }) {
    if (world.variants['luna.networkShow'] === 'blocks') return print(inBlocks(state));
    print(`

   Hostname:      ${state.hostname}
   Domain:        <not set>

   Device     State     Method     IP Address         Netmask            Gateway
   ========================================================================================
   eth0       up        dhcp       ${(state.eth0 ?? state.address).padEnd(18)} 255.255.255.0      ${state.address.replace(/\d+$/, '1')}
   eth1       down      none       <none>             <none>             <none>

`);
  },
};

const inBlocks = ({ hostname, address }: ApplianceState): string => `
Hostname: "${hostname}"
Domain Name: ""

eth0
   Link: up
   Configured by: dhcp
   IP Address: ${address}
   Netmask: 255.255.255.0

eth1
   Link: down
   IP Address: 0.0.0.0

`;

const regenCert: Command = {
  words: ['sysconf', 'regenCert'],
  options: { days: 'value', startdate: 'value', force: 'switch' },
  positional: 1,
  async run(session, options, entry, [name]) {
    if (name && session.world.variants['luna.regenCert'] === 'bare') throw new CommandError([`Error:  Invalid argument: ${name}`]);
    if (!options['force'])
      await confirm(
        session,
        [
          'WARNING !!  This command will overwrite the current server certificate and private key.',
          '            All clients will have to add this server again with this new certificate.',
          "If you are sure that you wish to proceed, then type 'proceed', otherwise type 'quit'",
        ],
        '> ',
      );
    const { state } = session;
    const fresh = await selfSigned({
      commonName: name ?? state.hostname,
      names: { ip: [state.address] },
      notBefore: new Date(applianceTime(state).getTime() - 1000),
    });
    session.print('Proceeding...\n');
    await commit(session, entry, session.world.durations.regenerateCertificate, () => {
      state.server = fresh;
      state.files['server.pem'] = fresh.certificatePem;
    });
    session.print(`'sysconf regenCert' successful. NTLS must be (re)started before clients can connect.

Please use the 'ntls show' command to ensure that NTLS is bound to an appropriate network device or IP address/hostname
for the network device(s) NTLS should be active on. Use 'ntls bind' to change this binding if necessary.
`);
  },
};

const fingerprint: Command = {
  words: ['sysconf', 'fingerprint'],
  options: {},
  positional: 1,
  async run({ state, print }) {
    print(`\nFingerprint: ${new X509Certificate(state.server.certificatePem).fingerprint256}\n`);
  },
};

const bind: Command = {
  words: ['ntls', 'bind'],
  options: { force: 'switch', bind: 'value' },
  positional: 1,
  async run(session, options, entry, [device = '']) {
    if (!/^(eth[0-3]|bond[01]|all)$/.test(device)) throw new CommandError(['Error:  The network device is not known.']);
    if (session.world.variants['luna.bindAsks'] === 'yes' && !options['force'])
      await confirm(session, ["If you are sure that you wish to restart NTLS, then type 'proceed', otherwise type 'quit'"], '> ');
    await commit(session, entry, 0, () => {
      session.state.ntls.device = device;
    });
    session.print(`\n${wordsOf(session.world).bound(device)}\n`);
  },
};

const showNtls: Command = {
  words: ['ntls', 'show'],
  options: {},
  async run({ world, state, print }) {
    if (world.variants['luna.ntlsShow'] === 'status') return print('\nNTLS service: configured, listening on port 1792\n');
    if (world.variants['luna.ntlsShow'] === 'sentence')
      return print(`\nNTLS is currently ${state.ntls.device ? `bound to ${state.ntls.device}` : 'not bound'}.\n`);
    print(
      state.ntls.device
        ? `\nNTLS bound to network device: ${state.ntls.device}  IP Address: "${state.address}" (${state.ntls.device})\n`
        : '\nNTLS is not bound to any network device.\n',
    );
  },
};

const ipcheck: Command = {
  words: ['ntls', 'ipcheck'],
  options: {},
  positional: 1,
  async run(session, _, entry, [verb = 'show']) {
    if (verb === 'show') return session.print(`\nNTLS client source IP validation : ${session.state.ntls.ipCheck ? 'Enable' : 'Disable'}\n`);
    await commit(session, entry, 0, () => {
      session.state.ntls.ipCheck = verb === 'enable';
    });
    session.print(`\nNTLS client source IP validation ${verb}d\n`);
  },
};

const service: Command = {
  words: ['service'],
  options: { force: 'switch' },
  positional: 2,
  async run(session, options, entry, [verb = '', name = '']) {
    const { ntls, server } = session.state;
    if (verb === 'list') return session.print('\n   ntls\n   ssh\n   ntp\n   syslog\n');
    if (name !== 'ntls') return session.print(`\n   ${name} is running\n`);
    if (verb === 'status') return session.print(`\n   ntls is ${ntls.running ? 'running' : 'not running'}\n`);
    if (!['start', 'stop', 'restart'].includes(verb)) throw new CommandError([`Error:  Unknown action ${verb}.`]);
    if (!options['force'] && ntls.active && session.state.clients.length > 0 && session.world.variants['luna.restartAsks'] === 'yes')
      await confirm(
        session,
        [
          'Checking for connected clients before stopping NTLS service:',
          "If you are sure that you wish to restart NTLS, then type 'proceed', otherwise type 'quit'",
        ],
        '> ',
      );
    await commit(session, entry, session.world.durations.ntlsRestart, () => {
      ntls.running = verb !== 'stop';
      delete ntls.active;
      if (ntls.running && ntls.device) ntls.active = { device: ntls.device, certificatePem: server.certificatePem };
    });
    if (verb !== 'start') session.print('\nStopping ntls:                                             [  OK  ]');
    if (verb !== 'stop') session.print('\nStarting ntls:                                             [  OK  ]');
    session.print('\n');
  },
};

const myPassword: Command = {
  words: ['my', 'password', 'set'],
  options: {},
  async run(session, _, entry) {
    await changePassword(session, entry);
  },
};

const files: Command = {
  words: ['my', 'file'],
  options: { force: 'switch', all: 'switch' },
  positional: 2,
  async run(session, _, entry, [verb = 'list', name = '']) {
    const { files } = session.state;
    if (verb === 'list')
      return session.print(
        `\n${Object.entries(files)
          .map(([file, text]) => `   ${`${text.length}`.padStart(8)}  ${file}`)
          .join('\n')}\n`,
      );
    await commit(session, entry, 0, () => {
      for (const file of verb === 'clear' ? Object.keys(files) : [name]) if (file !== 'server.pem') delete files[file];
    });
    session.print(`\n'my file ${verb}' successful.\n`);
  },
};

const users: Command = {
  words: ['user', 'list'],
  options: {},
  async run({ state, print }) {
    print(`
                   Users       Roles      Status      RADIUS
    --------------------    --------    --------    --------
${state.users.map(({ name }) => `${name.padStart(24)}       admin     enabled          no`).join('\n')}
`);
  },
};

export const systemCommands: Command[] = [date, time, network, regenCert, fingerprint, bind, showNtls, ipcheck, service, myPassword, files, users];
