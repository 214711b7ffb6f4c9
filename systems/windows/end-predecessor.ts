import { type StepFailure, transient } from '../../domain/failure.ts';
import type { WindowsSession } from './windows.ts';

/** Which programs on the Windows host can only be those of an earlier attempt. */
export interface PredecessorMarks {
  /** The HSM’s address: whatever is connected to its port 22 from the host is an earlier session. */
  hsmAddress: string;
  /** lunacm runs scripts whose names begin with it. */
  target: string;
  /** For whom `vtl createcert` makes a certificate. */
  certificateName: string;
}

export interface HostProcess {
  id: number;
  name: string;
  commandLine: string;
}

export interface HostPrograms {
  processes: HostProcess[];
  /** The ids of the processes with an established connection to the HSM’s port 22. */
  connected: number[];
}

/** Pure: those that are to be ended, no others. */
export function predecessorsIn({ processes, connected }: HostPrograms, { target, certificateName }: PredecessorMarks): HostProcess[] {
  const isOurScript = ({ name, commandLine }: HostProcess) =>
    name.toLowerCase() === 'lunacm.exe' &&
    commandLine.toLowerCase().includes(`c:\\programdata\\${target.toLowerCase()}-`) &&
    /\.lunacm"?\s*$/i.test(commandLine);
  const isOurVtl = ({ name, commandLine }: HostProcess) =>
    name.toLowerCase() === 'vtl.exe' && `${commandLine} `.toLowerCase().includes(` createcert -n ${certificateName.toLowerCase()} `);
  return processes.filter((one) => connected.includes(one.id) || isOurScript(one) || isOurVtl(one));
}

/**
 * Ends what an earlier attempt left on the Windows host: its sessions with the HSM, whose bytes the host may still hold, and its lunacm and vtl. Call it before
 * a later attempt looks, and before it has a session of its own with the HSM. Gives a line for the report for each program that was ended. Over once none of
 * them runs; a failure means that they may still be at work.
 */
export async function endPredecessor(session: WindowsSession, marks: PredecessorMarks): Promise<string[]> {
  const found = predecessorsIn(await programsOn(session, marks.hsmAddress), marks);
  if (found.length === 0) return [];
  await powershell(session, `Stop-Process -Id ${found.map(({ id }) => id).join(',')} -Force -ErrorAction SilentlyContinue`);
  const left = predecessorsIn(await programsOn(session, marks.hsmAddress), marks).filter(({ id }) => found.some((one) => one.id === id));
  if (left.length > 0) throw cannotEnd(`${left.map(nameOf).join(', ')} still runs`);
  return found.map((one) => `An earlier attempt’s ${nameOf(one)} was ended on the Windows host.`);
}

/** Never the whole command line: it is another program’s. */
const nameOf = ({ name, id }: HostProcess): string => `${name} (process ${id})`;

async function programsOn(session: WindowsSession, hsmAddress: string): Promise<HostPrograms> {
  const connections = await powershell(
    session,
    `Get-NetTCPConnection -RemoteAddress '${hsmAddress}' -RemotePort 22 -State Established -ErrorAction SilentlyContinue | Select-Object OwningProcess | ConvertTo-Json -Compress`,
  );
  const processes = await powershell(session, 'Get-CimInstance -ClassName Win32_Process | Select-Object ProcessId,Name,CommandLine | ConvertTo-Json -Compress');
  return { connected: rowsOf(connections).map((row) => numberOf(row, 'OwningProcess')), processes: rowsOf(processes).map(processOf) };
}

/** Nothing of what it prints is quoted: that may be the command lines of other programs, with secrets in them. */
async function powershell(session: WindowsSession, script: string): Promise<string> {
  const whole = `$ProgressPreference = 'SilentlyContinue'\n${script}\n`;
  const { output, code } = await session.exec(
    `powershell -NoProfile -NonInteractive -OutputFormat Text -EncodedCommand ${Buffer.from(whole, 'utf16le').toString('base64')}`,
  );
  if (code !== 0) throw cannotEnd(`PowerShell ended with exit code ${code}`);
  return output.trim();
}

/** Windows PowerShell writes nothing for none, and no brackets around one. */
function rowsOf(json: string): object[] {
  if (json === '') return [];
  const parsed = parsedJson(json);
  const rows: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  return rows.map((row) => {
    if (typeof row !== 'object' || row === null) throw cannotEnd('PowerShell answered with JSON of another form than expected');
    return row;
  });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw cannotEnd('PowerShell did not answer with JSON');
  }
}

function numberOf(row: object, name: string): number {
  const value: unknown = Reflect.get(row, name);
  if (typeof value !== 'number') throw cannotEnd(`PowerShell did not tell ${name}`);
  return value;
}

/** Windows shows no command line of programs of the system. */
const processOf = (row: object): HostProcess => ({
  id: numberOf(row, 'ProcessId'),
  name: String(Reflect.get(row, 'Name') ?? ''),
  commandLine: String(Reflect.get(row, 'CommandLine') ?? ''),
});

const cannotEnd = (summary: string): StepFailure =>
  transient({
    code: 'WINDOWS_PROCESS_LEFT',
    tried: 'ending what an earlier attempt left on the Windows host',
    summary,
    remedy: 'The step waits for it to end and continues by itself. If this lasts, check the processes on the Windows host.',
  });
