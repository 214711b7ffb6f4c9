import { createHash } from 'node:crypto';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { userSecret } from '../../systems/secrets/kept.ts';
import { installScript } from '../../systems/windows/install-script.ts';
import { act, converge, done, refuse, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'install-luna-client'>;

/** The last run of this script for this host. */
export interface Seen {
  state: string;
  output: string;
  error: string;
  /** When it ended (ms since the epoch). */
  endedAt: number;
  askedAt: number;
}

const oldest = [7, 4];
const field = (output: string, name: string): string | undefined => new RegExp(`^${name}: (.+?)\\s*$`, 'm').exec(output)?.[1];

/** Is a version such as 7.4.0-226 at least the oldest that may be used? */
export function recentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  return major > oldest[0]! || (major === oldest[0] && minor >= oldest[1]!);
}

/** `SHA256:…` of an OpenSSH public key line, as ssh shows it. */
export const pinOf = (line: string): string =>
  `SHA256:${createHash('sha256')
    .update(Buffer.from(line.split(/\s+/)[1] ?? '', 'base64'))
    .digest('base64')
    .replace(/=+$/, '')}`;

export const decideInstallLunaClient = (seen: Seen | undefined, { vm, request }: Pick<Input, 'vm' | 'request'>) => {
  const told = { tried: `installing the Luna client on ${request.lunaClient.vmName}`, source: 'the Windows host' };
  if (!seen) return act('run-script');
  if (['Pending', 'Running', 'Unknown'].includes(seen.state)) return wait(`The Luna client is being installed: ${seen.state}.`);
  if (seen.state !== 'Succeeded') {
    if (seen.endedAt < seen.askedAt) return act('run-script');
    return refuse({
      ...told,
      seen: (seen.error || seen.output || seen.state).trim().slice(-250),
      remedy: 'Mend the cause (address, SHA-256 or package of the installer), then retry.',
    });
  }
  const [version, hostKey] = [field(seen.output, 'client-version'), field(seen.output, 'host-key')];
  if (!version || !hostKey)
    return seen.endedAt < seen.askedAt
      ? act('run-script')
      : refuse({ ...told, seen: 'the script ended well without saying what it must', remedy: 'Look at the host, then retry.' });
  if (!recentEnough(version))
    return refuse({ ...told, seen: `the client is version ${version}`, remedy: 'Give an installer of version 7.4 or later in a new request.' });
  if (field(seen.output, 'vtl') !== 'True') return refuse({ ...told, seen: 'vtl is missing', remedy: 'Give an installer with all features in a new request.' });
  return done<StepResult<'install-luna-client'>>({ windows: { address: vm.reachable, pin: pinOf(hostKey) }, clientVersion: version });
};

/** Runs the installation through Azure’s agent: it works before any port of the host does. The command’s name is the run’s and the attempt’s, so that a crash finds it again. */
export const installLunaClient = ({ azure, secrets }: Systems) => {
  const commandName = ({ runId }: Input) => `install-luna-client-${runId.slice(0, 8)}`;
  const installerUrl = ({ request }: Input): Promise<string> | string => {
    const { url } = request.lunaClient.installer;
    return typeof url === 'string' ? url : userSecret(secrets, url.secret);
  };
  return converge<Input, Seen | undefined, StepResult<'install-luna-client'>, 'run-script'>({
    async observe(input, { signal, askedAt }) {
      const { request } = input;
      const { compute } = await azure.clients(request.azure);
      const found = await azure.look('reading the installation’s state', () =>
        compute.virtualMachineRunCommands.getByVirtualMachine(request.azure.resourceGroup, request.lunaClient.vmName, commandName(input), {
          expand: 'instanceView',
          abortSignal: signal,
        }),
      );
      const view = found?.instanceView;
      return (
        found && {
          state: view?.executionState ?? 'Unknown',
          output: view?.output ?? '',
          error: view?.error ?? '',
          endedAt: view?.endTime?.getTime() ?? Number.MAX_SAFE_INTEGER,
          askedAt,
        }
      );
    },
    decide: decideInstallLunaClient,
    act: {
      async 'run-script'(input, seen, { signal }) {
        const { request, publicKey } = input;
        const { compute } = await azure.clients(request.azure);
        const { resourceGroup, region } = request.azure;
        const { vmName, installer } = request.lunaClient;
        const body = {
          location: region,
          asyncExecution: true,
          timeoutInSeconds: 3600,
          treatFailureAsDeploymentFailure: false,
          // A command of the same name and script would not run again.
          source: { script: seen ? `${installScript}# again after ${new Date(seen.endedAt).toISOString()}\n` : installScript },
          parameters: [
            { name: 'PublicKey', value: publicKey },
            { name: 'InstallerSha256', value: installer.sha256 },
          ],
          protectedParameters: [{ name: 'InstallerUrl', value: await installerUrl(input) }],
        };
        await azure.submit('starting the installation of the Luna client', () =>
          compute.virtualMachineRunCommands.createOrUpdate(resourceGroup, vmName, commandName(input), body, { abortSignal: signal }),
        );
      },
    },
    sight: (seen) => seen && [seen.state, seen.endedAt],
  });
};
