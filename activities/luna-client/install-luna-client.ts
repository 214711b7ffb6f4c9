import { createHash } from 'node:crypto';
import { type Problem, quoting, refused } from '../../domain/failure.ts';
import type { SecretReference } from '../../domain/request.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { requireUserSecret } from '../../stores/secrets/kept.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import { runMark, runOf } from '../../systems/azure/deployment.ts';
import { tagsOf } from '../../systems/azure/tags.ts';
import { installScript } from '../../systems/windows/install-script.ts';
import { type Attempt, act, converge, done, lasting, refuse, wait } from '../converge.ts';
import { enterWindowsSecrets } from '../machine-record.ts';
import { type Systems, staleReadDelays } from '../systems.ts';

type Input = StepInput<'install-luna-client'>;

/** The last run of this script for this host. */
export interface Seen {
  state: string;
  output: string;
  error: string;
  /** When the step was asked for that sent it (ms since the epoch): what failed before is history. Its tag tells, since what never began or ended has no times. */
  sentAt: number;
  /** When it began; when it was sent where it never did. */
  startedAt: number;
  endedAt?: number;
  /** By the Temporal server’s clock, as `lastObservedAt`: this worker’s may be wrong. */
  scheduledAt: number;
  lastObservedAt: number;
}

/** Azure ends a script after an hour. One that is said to run for longer hangs, as its agent has been known to. */
const longestRunMs = 75 * 60_000;

const oldest = [7, 4];
const field = (output: string, name: string): string | undefined => new RegExp(`^${name}: (.+?)\\s*$`, 'm').exec(output)?.[1];

/** Is a version such as 7.4.0-226 at least the oldest that may be used? */
export function recentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  return major > oldest[0]! || (major === oldest[0] && minor >= oldest[1]!);
}

/** Is a version such as 7.4.0-226 the one that is asked for, as far as that tells: 7.4 or 7.4.0? */
const isVersion = (found: string, wanted: string | undefined): boolean =>
  wanted === undefined || found === wanted || (/^[.-]/.test(found.slice(wanted.length)) && found.startsWith(wanted));

/** `SHA256:…` of an OpenSSH public key line, as ssh shows it. */
export const pinOf = (line: string): string =>
  `SHA256:${createHash('sha256')
    .update(Buffer.from(line.split(/\s+/)[1] ?? '', 'base64'))
    .digest('base64')
    .replace(/=+$/, '')}`;

/** What PowerShell says of an error, without where in the script it was; its beginning and its end, which the log’s is. */
function saidBy({ error, output }: Pick<Seen, 'error' | 'output'>): string {
  const text = (error.split(/\n\s*(?:At (?:line|C:)|\+ )/)[0]!.trim() || output.trim()).replaceAll(/\s+/g, ' ');
  return text.length <= 280 ? text : `${text.slice(0, 120)} … ${text.slice(-150)}`;
}

const whatItSaid = (summary: string, seen: Seen): Pick<Problem, 'summary' | 'evidence'> => ({
  summary: `${summary} (${seen.state})`,
  ...quoting('The installation script', saidBy(seen)),
});

/** Sent by an earlier asking: a retry sends it again. */
const isHistory = ({ sentAt, scheduledAt }: Seen): boolean => sentAt < scheduledAt;

export const decideInstallLunaClient = (seen: Seen | undefined, { vm, request }: Pick<Input, 'vm' | 'request'>) => {
  const told = { code: 'CLIENT_INSTALL_FAILED', tried: `installing the Luna client on ${request.lunaClient.vmName}` } as const;
  if (!seen) return act('run-script');
  if (['Pending', 'Running', 'Unknown'].includes(seen.state)) return whileRunning(seen, told);
  if (seen.state !== 'Succeeded') {
    if (isHistory(seen)) return act('run-script');
    return refuse({
      ...told,
      ...whatItSaid('the script failed', seen),
      remedy:
        'Fix the cause (address, SHA-256 or package of the installer), then retry. If a field of the request is wrong, retry with an amendment of /lunaClient/installer.',
    });
  }
  const [version, other, hostKey] = ['client-version', 'certificate-client-version', 'host-key'].map((name) => field(seen.output, name));
  if (!version || !hostKey || (request.lunaClient.certificateClient && !other))
    return isHistory(seen)
      ? act('run-script')
      : refuse({ ...told, summary: 'the script succeeded, but did not report all versions and the host key', remedy: 'Check the host, then retry.' });
  const wrong = wrongVersion(request.lunaClient, version, other, field(seen.output, 'vtl') === 'True');
  if (wrong) return isHistory(seen) ? act('run-script') : refuse({ ...told, code: 'CLIENT_WRONG_VERSION', ...wrong });
  return done<StepResult<'install-luna-client'>>({
    windows: { address: vm.reachable, pin: pinOf(hostKey) },
    clientVersion: version,
    ...(other ? { certificateClientVersion: other } : {}),
  });
};

/** Waits for a script, but not for ever; one that hung already before a retry was ordered is started anew. */
function whileRunning(seen: Seen, told: { code: 'CLIENT_INSTALL_FAILED'; tried: string }) {
  const { state, startedAt, scheduledAt, lastObservedAt } = seen;
  if (isHistory(seen) && lastObservedAt - startedAt > longestRunMs) return act('run-script');
  if (lastObservedAt - scheduledAt <= longestRunMs) return wait(`The Luna client is being installed: ${state}.`);
  return refuse({
    ...told,
    ...whatItSaid(`the script has not ended for ${longestRunMs / 60_000} minutes`, seen),
    remedy: 'Check the host and its Azure agent, restart the VM if needed, then retry.',
  });
}

/** A client that is there is never replaced: others may rely on it. */
function wrongVersion({ version: wanted, certificateClient }: Input['request']['lunaClient'], version: string, other: string | undefined, hasVtl: boolean) {
  const remedy =
    'Uninstall it on the host, then retry; or retry with an amendment of /lunaClient/version (or /lunaClient/certificateClient) that names this version and an installer of it.';
  if (!recentEnough(version))
    return {
      summary: `the client is version ${version}`,
      remedy: 'Uninstall it on the host, then retry with an amendment of /lunaClient/installer: one of version 7.4 or later.',
    };
  if (!isVersion(version, wanted)) return { summary: `the client is version ${version}, not ${wanted}`, remedy };
  if (other && !isVersion(other, certificateClient?.version))
    return { summary: `the client for certificates is version ${other}, not ${certificateClient!.version}`, remedy };
  return hasVtl
    ? undefined
    : {
        summary: 'vtl is missing',
        remedy: 'Uninstall the client on the host, then retry with an amendment of /lunaClient/installer: one with all features.',
      };
}

/** Runs the installation through Azure’s agent: it works before any port of the host does. The command’s name is the run’s and the attempt’s, so that a crash finds it again. */
export const installLunaClient = (systems: Systems) => {
  const { settings } = systems;
  return converge<Input, Seen | undefined, StepResult<'install-luna-client'>, 'run-script'>({
    lasting: lasting(settings, 'run-command'),
    observe: (input, attempt) => lastRun({ systems, input, attempt }),
    decide: decideInstallLunaClient,
    staleReadDelaysMs: staleReadDelays({ settings }),
    act: { 'run-script': (input, seen, attempt) => runScript({ systems, input, attempt }, seen !== undefined) },
    fingerprint: (seen) => seen && [seen.state, seen.sentAt, seen.endedAt],
  });
};

interface Caller {
  systems: Systems;
  input: Input;
  attempt: Attempt;
}

const commandName = ({ runId }: Input) => `install-luna-client-${runId.slice(0, 8)}`;

/** What its addresses hold of secrets is hidden: the script’s output may quote them. */
async function lastRun({ systems: { azure, secrets }, input, attempt: { signal, scheduledAt, waitedMs } }: Caller): Promise<Seen | undefined> {
  const { request } = input;
  const { compute } = await azure.clients(request.azure);
  const found = await azure.look('reading the installation’s state', () =>
    compute.virtualMachineRunCommands.getByVirtualMachine(request.azure.resourceGroup, request.lunaClient.vmName, commandName(input), {
      expand: 'instanceView',
      abortSignal: signal,
    }),
  );
  if (!found) return undefined;
  const hidden = (await installersOf(secrets, input)).flatMap(({ url }) => secretParts(url));
  const shown = (text = '') => hidden.reduce((rest, part) => rest.replaceAll(part, '********'), text);
  const { instanceView: view, provisioningState } = found;
  const sentAt = runOf(found)?.scheduledAt ?? 0;
  return {
    state: view?.executionState ?? (provisioningState === 'Failed' ? 'Failed' : 'Unknown'),
    output: shown(view?.output),
    error: shown(view?.error || view?.executionMessage),
    sentAt,
    startedAt: view?.startTime?.getTime() ?? sentAt,
    ...(view?.endTime ? { endedAt: view.endTime.getTime() } : {}),
    scheduledAt,
    lastObservedAt: scheduledAt + waitedMs,
  };
}

async function runScript({ systems, input, attempt }: Caller, isAgain: boolean): Promise<void> {
  const { azure, secrets } = systems;
  const { request } = input;
  const { compute } = await azure.clients(request.azure);
  const { resourceGroup, region } = request.azure;
  const { scheduledAt, signal } = attempt;
  const installers = await installersOf(secrets, input);
  const body = {
    location: region,
    tags: { ...tagsOf(input), ...runMark({ scheduledAt, number: 1 }) },
    asyncExecution: true,
    timeoutInSeconds: 3600,
    treatFailureAsDeploymentFailure: false,
    // A command of the same name and script would not run again (docs/reference/azure.md#run-command-again).
    source: { script: isAgain ? `${installScript}# again: asked for at ${new Date(scheduledAt).toISOString()}\n` : installScript },
    parameters: [{ name: 'PublicKey', value: input.publicKey }, ...installers.map(({ name, sha256 }) => ({ name: `${name}Sha256`, value: sha256 }))],
    protectedParameters: installers.map(({ name, url }) => ({ name: `${name}Url`, value: url })),
  };
  await enterWindowsSecrets({ systems, input, attempt }, 'installer-address');
  await azure.submit('starting the installation of the Luna client', () =>
    compute.virtualMachineRunCommands.createOrUpdate(resourceGroup, request.lunaClient.vmName, commandName(input), body, { abortSignal: signal }),
  );
}

/** By the names of their parameters in the script. */
async function installersOf(secrets: SecretStore, { request: { lunaClient } }: Input) {
  const { installer, certificateClient } = lunaClient;
  return [
    { name: 'Installer', sha256: installer.sha256, url: await addressOf(secrets, installer.url) },
    ...(certificateClient
      ? [
          {
            name: 'CertificateInstaller',
            sha256: certificateClient.installer.sha256,
            url: await addressOf(secrets, certificateClient.installer.url),
          },
        ]
      : []),
  ];
}

async function addressOf(secrets: SecretStore, url: string | SecretReference): Promise<string> {
  const address = typeof url === 'string' ? url : await requireUserSecret(secrets, url.secret);
  if (URL.parse(address)?.protocol === 'https:') return address;
  throw refused({
    code: 'CLIENT_INSTALL_FAILED',
    tried: 'reading the address of the installer',
    summary: `${typeof url === 'string' ? 'it' : `the secret ${url.secret}`} is no https address`,
    remedy: 'Nothing was run. Retry with an amendment of /lunaClient/installer/url, or of /lunaClient/certificateClient/installer/url.',
  });
}

/** An address, and what in it may let anybody fetch the file: what could quote it must not show it. */
function secretParts(url: string): string[] {
  const { search, hash, username, password, searchParams } = new URL(url);
  const parts = [search.slice(1), hash.slice(1), username, password, ...searchParams.values()];
  // What is very short says nothing, and would be found everywhere.
  return [url, ...parts.flatMap((part) => [part, encodeURIComponent(part)]).filter((part) => part.length >= 6)];
}
