import { settle } from '../request-log.ts';
import type { World } from '../world.ts';
import { asText, type Call, type Cmdlets, ScriptError, type Value } from './powershell.ts';
import type { Processes } from './processes.ts';

const listOf = (value: Value | undefined): Value[] => (value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]);
const isQuiet = ({ named }: Call): boolean => /^(silentlycontinue|ignore)$/i.test(asText(named['erroraction'] ?? ''));

/** What Windows says of a condition such as `Name = 'a.exe' OR CommandLine LIKE '%b%'`; AND binds more closely, and there are no parentheses. */
function matches(filter: string, row: Record<string, Value>): boolean {
  return filter.split(/\s+OR\s+/i).some((all) => all.split(/\s+AND\s+/i).every((one) => holds(one, row)));
}

function holds(condition: string, row: Record<string, Value>): boolean {
  const [, field, operator, text, number] = /^\s*(\w+)\s*(=|<>|!=|LIKE)\s*(?:['"](.*)['"]|(\d+))\s*$/i.exec(condition) ?? [];
  if (field === undefined || operator === undefined) throw new ScriptError('Invalid query');
  const [, found = null] = Object.entries(row).find(([name]) => name.toLowerCase() === field.toLowerCase()) ?? [];
  const [left, right] = [asText(found).toLowerCase(), (text?.replaceAll('\\\\', '\\') ?? number ?? '').toLowerCase()];
  if (operator.toUpperCase() !== 'LIKE') return (left === right) === (operator === '=');
  const pattern = right
    .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  return new RegExp(`^${pattern}$`, 's').test(left);
}

/** What scripts may ask of the programs on a host and of their connections, and how they end them. */
export function processCmdlets(world: World, processes: Processes, address: string): Cmdlets {
  const stop = (call: Call): Value => {
    const ids = [...listOf(call.named['id'] ?? call.positional[0]), ...listOf(call.input).map((row) => idOf(row))];
    const entry = world.requestLog.arrive({ system: 'windows', connection: 'script', operation: 'windows:stop-process', target: address });
    const missing = ids.filter((id) => !processes.stop(Number(id)));
    settle(entry, missing.length < ids.length ? 'done' : 'refused', ids.map(asText).join(', '));
    if (missing.length > 0 && !isQuiet(call)) throw new ScriptError(`Cannot find a process with the process identifier ${asText(missing[0]!)}.`);
    return null;
  };
  return {
    'Get-NetTCPConnection': (call) => {
      const wanted = (name: string) => listOf(call.named[name]).map((value) => asText(value).toLowerCase());
      const fits = (name: string, value: Value) => wanted(name).length === 0 || wanted(name).includes(asText(value).toLowerCase());
      const found = processes.list().flatMap(({ id, connections }) =>
        [...connections].map(({ address: remote, port, localPort }) => ({
          LocalAddress: address,
          LocalPort: localPort,
          RemoteAddress: remote,
          RemotePort: port,
          State: 'Established',
          OwningProcess: id,
        })),
      );
      const shown = found.filter(
        (row) =>
          fits('remoteaddress', row.RemoteAddress) &&
          fits('remoteport', row.RemotePort) &&
          fits('state', row.State) &&
          fits('owningprocess', row.OwningProcess),
      );
      if (shown.length === 0 && !isQuiet(call)) throw new ScriptError('No MSFT_NetTCPConnection objects found.');
      return shown;
    },
    'Get-CimInstance': (call) => {
      const name = asText(call.named['classname'] ?? call.positional[0] ?? '');
      if (name.toLowerCase() !== 'win32_process') throw new ScriptError('Invalid class');
      const rows = processes.list().map(({ id, name, commandLine }) => ({ ProcessId: id, Name: name, CommandLine: commandLine }));
      const filter = call.named['filter'];
      return filter === undefined ? rows : rows.filter((row) => matches(asText(filter), row));
    },
    'Stop-Process': stop,
    'Select-Object': (call) => {
      const names = listOf(call.named['property'] ?? call.positional[0]).map(asText);
      const expanded = call.named['expandproperty'];
      const pick = (row: Value): Value => {
        const fields = (row ?? {}) as Record<string, Value>;
        const field = (name: string) => Object.entries(fields).find(([own]) => own.toLowerCase() === name.toLowerCase())?.[1] ?? null;
        return expanded === undefined ? Object.fromEntries(names.map((name) => [name, field(name)])) : field(asText(expanded));
      };
      return listOf(call.input).map(pick);
    },
    // One alone is written without brackets, and nothing as nothing.
    'ConvertTo-Json': (call) => {
      const rows = listOf(call.input ?? call.named['inputobject'] ?? call.positional[0]);
      if (rows.length === 0) return null;
      return JSON.stringify(rows.length === 1 ? rows[0] : rows, null, call.named['compress'] ? 0 : 4);
    },
  };
}

const idOf = (row: Value): Value => {
  const fields = row as Record<string, Value> | null;
  return typeof row === 'object' ? (fields?.['Id'] ?? fields?.['ProcessId'] ?? fields?.['OwningProcess'] ?? null) : row;
};
