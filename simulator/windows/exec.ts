import { cmdlets, environment } from './cmdlets.ts';
import type { LunaClient } from './luna-client.ts';
import { lunacm } from './lunacm/lunacm.ts';
import type { Caller } from './lunacm/verb.ts';
import { PowerShell, ScriptError } from './powershell.ts';
import { processCmdlets } from './process-cmdlets.ts';
import { clientFolder } from './state.ts';
import { vtl } from './vtl.ts';

export interface Ran {
  output: string;
  exitCode: number;
}

/** As cmd.exe and the C runtime split a command line: double quotes keep words together. */
const split = (command: string): string[] =>
  [...command.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => (quoted ?? plain ?? '').replaceAll('\\"', '"'));

/** What the host does with a command that came over SSH. */
export async function execute(client: LunaClient, command: string, caller: Caller, publicKeyLine: string): Promise<Ran> {
  const [program = '', ...args] = split(command);
  const name = program
    .toLowerCase()
    .replaceAll('/', '\\')
    .replace(/^.*\\/, '')
    .replace(/\.exe$/, '');
  const path = args.find((arg) => /^[A-Za-z]:[\\/]/.test(arg)) ?? args[0] ?? '';
  const good = (output = ''): Ran => ({ output, exitCode: 0 });
  if (['lunacm', 'vtl'].includes(name)) {
    const folder = client.folders().find((installed) => program.toLowerCase() === `${installed}\\${name}.exe`.toLowerCase());
    if (!folder || (name === 'lunacm' && folder !== clientFolder)) return notFound(program);
    const running = client.processes.start(`${name}.exe`, command);
    const started: Caller = { ...caller, isStopped: () => running.isStopped };
    const output = await (name === 'vtl' ? vtl(client, args, started, folder) : runLunacm(client, args, started));
    client.processes.ended(running);
    return running.isStopped ? { output: '', exitCode: 1 } : good(output);
  }
  switch (name) {
    case 'icacls':
      client.files.restrict(
        path,
        args.filter((arg) => /^[^/:]+:\(?[A-Z]/.test(arg) && arg !== path).map((arg) => arg.replace(/:.*$/, '')),
      );
      return good(`processed file: ${path}\nSuccessfully processed 1 files; Failed processing 0 files\n`);
    case 'cmd':
      return execute(client, args.filter((arg) => !/^\/[cs]$/i.test(arg)).join(' '), caller, publicKeyLine);
    case 'mkdir':
    case 'md':
      return good();
    case 'del':
      return client.files.remove(path) ? good() : { output: `Could Not Find ${path}\n`, exitCode: 1 };
    case 'type':
      return client.files.exists(path) ? good(client.files.text(path)) : { output: 'The system cannot find the file specified.\n', exitCode: 1 };
    case 'powershell':
      return powershell(client, args, publicKeyLine);
    default:
      return notFound(program);
  }
}

/** `-Command` with the script, or `-EncodedCommand` with its UTF-16 in base64. What a script throws is shown with what it printed. */
async function powershell(client: LunaClient, args: string[], publicKeyLine: string): Promise<Ran> {
  const encoded = args.findIndex((arg) => /^-e(nc|ncodedcommand)?$/i.test(arg));
  const script =
    encoded < 0
      ? args.slice(args.findIndex((arg) => /^-c(ommand)?$/i.test(arg)) + 1).join(' ')
      : Buffer.from(args[encoded + 1] ?? '', 'base64').toString('utf16le');
  const { output, error, exitCode } = await runScript(client, script, {}, publicKeyLine);
  return { output: `${output}${error}`, exitCode };
}

const notFound = (program: string): Ran => ({
  output: `'${program}' is not recognized as an internal or external command,\noperable program or batch file.\n`,
  exitCode: 1,
});

async function runLunacm(client: LunaClient, args: string[], caller: Caller): Promise<string> {
  const [mode = '', ...rest] = args;
  if (mode === '-f') {
    const [path = ''] = rest;
    const script = client.files.text(path);
    if (script === undefined) return `Unable to open file ${path}\n`;
    return client.files.whileOpen(path, () => lunacm(client, script.split(/\r?\n/), caller, false));
  }
  if (mode === '-c' || mode === '-q') return lunacm(client, [rest.map((word) => (word.includes(' ') ? `"${word}"` : word)).join(' ')], caller, mode === '-q');
  return 'Unknown command-line arguments\n';
}

/** Runs a PowerShell script and gives its output; a throw ends it with exit code 1. */
export async function runScript(
  client: LunaClient,
  script: string,
  parameters: Record<string, string>,
  publicKeyLine: string,
): Promise<Ran & { error: string }> {
  const shell = new PowerShell(
    { ...cmdlets(client.world, client.state, publicKeyLine), ...processCmdlets(client.world, client.processes, client.state.address) },
    environment,
  );
  try {
    await shell.run(script, parameters);
    return { exitCode: 0, output: `${shell.output.join('\n')}\n`, error: '' };
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    return { exitCode: 1, output: `${shell.output.join('\n')}\n`, error: `${error.message}\n    + CategoryInfo          : OperationStopped\n` };
  } finally {
    client.world.changed();
  }
}
