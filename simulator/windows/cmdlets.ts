import { createHash } from 'node:crypto';
import { settle } from '../request-log.ts';
import type { World } from '../world.ts';
import { asText, type Call, type Cmdlets, ScriptError, type Value } from './powershell.ts';
import { clientFolder, Files, type HostState } from './state.ts';

const fail = (why: string): never => {
  throw new ScriptError(why);
};
const argument = ({ named, positional }: Call, name: string, at = 0): string =>
  asText(named[name] ?? positional[at] ?? fail(`Cannot bind argument to parameter '${name}' because it is null.`));

const sshFolder = 'C:\\ProgramData\\ssh';
const knownInstaller = /^Luna HSM client (\d+\.\d+\.\d+) /;
const sshdConfig =
  '# This is the sshd server system-wide configuration file.\n#PubkeyAuthentication yes\n#PasswordAuthentication yes\nSubsystem sftp sftp-server.exe\n';

export const environment = { ProgramData: 'C:\\ProgramData', ProgramFiles: 'C:\\Program Files', TEMP: 'C:\\Windows\\Temp' };

/** What scripts may use on a simulated Windows host, with the effects that matter here. */
export function cmdlets(world: World, state: HostState, publicKeyLine: string): Cmdlets {
  const files = new Files(state);
  const sshd = (name: string) => {
    if (name.toLowerCase() !== 'sshd' || !state.sshd.installed) fail(`Cannot find any service with service name '${name}'.`);
  };
  const start = (call: Call): Value => {
    sshd(argument(call, 'name'));
    state.sshd.running = true;
    if (!files.exists(`${sshFolder}\\sshd_config`)) {
      files.write(`${sshFolder}\\sshd_config`, sshdConfig);
      files.write(`${sshFolder}\\ssh_host_rsa_key.pub`, `${publicKeyLine}\n`);
    }
    return null;
  };
  return {
    'Add-WindowsCapability': (call) => {
      if (/^OpenSSH\.Server/i.test(argument(call, 'name'))) {
        state.sshd.installed = true;
        state.sshd.firewallProfile ??= 'Private';
      }
      return null;
    },
    'Set-Service': (call) => {
      sshd(argument(call, 'name'));
      state.sshd.automatic = /^automatic$/i.test(asText(call.named['startuptype'] ?? ''));
      return null;
    },
    'Start-Service': start,
    'Restart-Service': start,
    'Set-NetFirewallRule': (call) => {
      if (argument(call, 'name') !== 'OpenSSH-Server-In-TCP')
        fail(`No MSFT_NetFirewallRule objects found with property 'InstanceID' equal to '${argument(call, 'name')}'.`);
      state.sshd.firewallProfile = argument(call, 'profile');
      return null;
    },
    'Join-Path': ({ positional: [folder, child] }) => `${asText(folder ?? '').replace(/\\$/, '')}\\${asText(child ?? '')}`,
    'Test-Path': (call) => files.exists(argument(call, 'path')),
    'Set-Content': (call) => {
      const value = asText(call.named['value'] ?? call.positional[1] ?? '');
      files.write(argument(call, 'path'), call.named['nonewline'] ? value : `${value}\n`);
      return null;
    },
    'Get-Content': (call) => {
      const text = files.text(argument(call, 'path')) ?? fail(`Cannot find path '${argument(call, 'path')}' because it does not exist.`);
      const lines = text.replace(/\n$/, '').split('\n');
      return (call.named['tail'] === undefined ? lines : lines.slice(-Number(call.named['tail']))).join('\n');
    },
    'New-Item': () => null,
    'Remove-Item': (call) => {
      files.remove(argument(call, 'path'));
      return null;
    },
    icacls: ({ positional }) => {
      const granted = positional.map(asText).filter((text) => /:/.test(text) && !/^[a-z]:\\/i.test(text) && !text.startsWith('/'));
      files.restrict(
        asText(positional[0] ?? ''),
        granted.map((text) => text.replace(/^\*/, '').replace(/:.*$/, '')),
      );
      return null;
    },
    'Invoke-WebRequest': (call) => {
      const uri = argument(call, 'uri');
      const content = world.downloads.get(uri);
      if (!content)
        throw new ScriptError(`The remote server returned an error for '${uri}': (404) Not Found.`, {
          Status: 'ProtocolError',
          Response: { StatusCode: 'NotFound' },
        });
      files.write(argument(call, 'outfile', 1), content);
      return null;
    },
    setx: ({ positional: [name, value] }) => {
      if (asText(name ?? '') === 'ChrystokiConfigurationPath') state.configurationFolder = asText(value ?? '');
      return null;
    },
    'Get-FileHash': (call) => ({
      Hash: createHash('sha256')
        .update(files.read(argument(call, 'path')) ?? fail('The file does not exist.'))
        .digest('hex')
        .toUpperCase(),
    }),
    'Start-Process': async (call) => {
      const entry = world.requestLog.arrive({ system: 'windows', connection: 'agent', operation: 'windows:installer', target: state.address });
      const fault = await world.faults.strike(entry.operation);
      const options = asText(call.named['argumentlist'] ?? '');
      const exitCode = fault ? 1603 : await install(world, state, files, argument(call, 'filepath'), options);
      const log = /\/log "?([^\s"]+)/i.exec(options)?.[1];
      if (log) files.write(log, `Burn v3.11.2\nApply begin\n${fault?.message ?? 'Applied execute package: LunaClient'}\nApply complete, result: ${exitCode}\n`);
      settle(entry, exitCode === 0 ? 'done' : 'failed', `exit code ${exitCode}`);
      return { ExitCode: exitCode };
    },
    'Get-Item': (call) => {
      const path = argument(call, 'path');
      if (!files.exists(path)) fail(`Cannot find path '${path}' because it does not exist.`);
      const folder = Object.keys(state.otherClients ?? {}).find((other) => path.toLowerCase().startsWith(`${other.toLowerCase()}\\`));
      const version = (folder ? state.otherClients![folder] : state.lunaClient)?.version ?? '0.0.0';
      return { FullName: path, VersionInfo: { FileVersion: `${version}-226`, ProductVersion: version } };
    },
    'Write-Output': ({ positional: [value] }) => value ?? null,
  };
}

/** The installer of a Luna client: into its usual folder, or beside it by `installdir`. Programs come with the features that are asked for. */
async function install(world: World, state: HostState, files: Files, path: string, options: string): Promise<number> {
  const [, version] = knownInstaller.exec(files.text(path) ?? '') ?? [];
  if (!version || !/\/install/i.test(options) || !/\/quiet/i.test(options)) return 1603;
  await world.clock.sleepMinutes(world.durations.lunaClientInstall);
  const given = /installdir="([^"]+)"/i.exec(options)?.[1];
  const folder = given ?? clientFolder;
  if (given) (state.otherClients ??= {})[given] = { version };
  else state.lunaClient = { version };
  // The last one that was installed is the machine’s.
  state.configurationFolder = folder;
  const programs = /addlocal=all/i.test(options) ? ['lunacm.exe', 'vtl.exe', 'plink.exe', 'pscp.exe'] : ['lunacm.exe'];
  for (const program of programs) files.write(`${folder}\\${program}`, `${program} ${version}`);
  files.write(
    `${folder}\\crystoki.ini`,
    `[LunaSA Client]\r\nClientPrivKeyFile=\r\nClientCertFile=\r\nServerCAFile=${folder}\\cert\\server\\CAFile.pem\r\nNetClient=1\r\n`,
  );
  world.changed();
  return 0;
}
