import type { WindowsHost } from '../world.ts';
import type { Engine } from './engine.ts';
import { stillRunning } from './handler.ts';
import { ArmError, type ArmReply, type ArmRequest } from './http.ts';
import { addressesOf } from './kinds/compute.ts';
import type { Resource, RunCommand } from './state.ts';

const tail = (text: string): string => text.slice(-4096);

interface Asked {
  location?: string;
  tags?: Record<string, string>;
  properties?: { source?: { script?: string }; parameters?: { name: string; value: string }[]; protectedParameters?: { name: string; value: string }[] };
}

/** PUT of a managed run command: the same name with the same script does not run again. */
export function put(engine: Engine, id: string, name: string, body: Asked, lies: boolean): { command: RunCommand; created: boolean } {
  const vm = engine.need(id.replace(/\/runCommands\/[^/]+$/i, ''));
  const key = id.toLowerCase();
  const old = engine.state.runCommands[key];
  const { source, parameters = [], protectedParameters = [] } = body.properties ?? {};
  if (old && old.script === (source?.script ?? '')) return { command: old, created: false };
  needAgent(engine, vm);
  const command: RunCommand = {
    id,
    name,
    location: body.location ?? vm.location,
    ...(body.tags ? { tags: body.tags } : {}),
    script: source?.script ?? '',
    parameters: Object.fromEntries([...parameters, ...protectedParameters].map((parameter) => [parameter.name, parameter.value])),
    protectedNames: protectedParameters.map((parameter) => parameter.name),
    view: { executionState: 'Pending', exitCode: 0, output: '', error: '' },
  };
  engine.state.runCommands[key] = command;
  if (lies)
    command.view = { executionState: 'Succeeded', exitCode: 0, output: '', error: '', startTime: new Date().toISOString(), endTime: new Date().toISOString() };
  engine.world.changed();
  return { command, created: !old };
}

function needAgent(engine: Engine, vm: Resource): void {
  if (engine.world.windowsHosts.has(addressesOf(engine, vm).privateAddress) && vm.power === 'running') return;
  throw new ArmError(409, 'OperationNotAllowed', 'The virtual machine is not running, or its agent is not ready.');
}

interface Invoked {
  script?: string[];
  parameters?: { name: string; value: string }[];
}

const isOver = ({ view }: RunCommand): boolean => !['Pending', 'Running'].includes(view.executionState);

/** The action `runCommand`: one at a time, known by its operation alone. */
export function invoke(engine: Engine, vm: Resource, operation: string, { script = [], parameters = [] }: Invoked): void {
  needAgent(engine, vm);
  const invocations = (engine.state.invocations ??= {});
  if (Object.values(invocations).some((other) => other.id.startsWith(`${vm.id}/`) && !isOver(other)))
    throw new ArmError(409, 'Conflict', 'Run command extension execution is in progress. Please wait for completion before invoking a run command.');
  invocations[operation] = {
    id: `${vm.id}/runCommands/${operation}`,
    name: operation,
    location: vm.location,
    script: script.join('\n'),
    parameters: Object.fromEntries(parameters.map(({ name, value }) => [name, value])),
    protectedNames: [],
    view: { executionState: 'Pending', exitCode: 0, output: '', error: '' },
  };
  engine.world.changed();
}

/** What an invocation printed. That its script failed is told nowhere else. */
const printed = ({ view: { output, error } }: RunCommand) =>
  Object.entries({ StdOut: output, StdErr: error }).map(([stream, message]) => ({
    code: `ComponentStatus/${stream}/succeeded`,
    level: 'Info',
    displayStatus: 'Provisioning succeeded',
    message,
  }));

/** How an invocation stands. */
export function invocation(operation: string, command: RunCommand): Record<string, unknown> {
  const { startTime, endTime } = command.view;
  const times = { ...(startTime ? { startTime } : {}), ...(endTime ? { endTime } : {}) };
  if (!isOver(command)) return { ...times, status: 'InProgress', name: operation };
  return { ...times, status: 'Succeeded', properties: { output: { value: printed(command) } }, name: operation };
}

/** The other form: 202 until there is an outcome. */
export const outcome = (engine: Engine, request: ArmRequest, command: RunCommand): ArmReply =>
  isOver(command) ? { status: 200, body: { value: printed(command) } } : stillRunning(engine, request, 15);

const running = new Set<RunCommand>();

/** Starts what is pending; what was running when the simulator ended starts again. */
export function advance(engine: Engine): void {
  const { runCommands, invocations = {} } = engine.state;
  for (const command of [...Object.values(runCommands), ...Object.values(invocations)]) {
    if (isOver(command) || running.has(command)) continue;
    const vm = engine.find(command.id.replace(/\/runCommands\/[^/]+$/i, ''));
    const machine = vm && engine.world.windowsHosts.get(addressesOf(engine, vm).privateAddress);
    if (machine) void execute(engine, command, machine.runScript.bind(machine));
  }
}

async function execute(engine: Engine, command: RunCommand, runScript: WindowsHost['runScript']): Promise<void> {
  running.add(command);
  command.view = { ...command.view, executionState: 'Running', startTime: new Date().toISOString() };
  const ran = await runScript(command.script, command.parameters, (output) => {
    command.view = { ...command.view, output: tail(output) };
  });
  command.view = {
    ...command.view,
    executionState: ran.exitCode === 0 ? 'Succeeded' : 'Failed',
    exitCode: ran.exitCode,
    output: tail(ran.output),
    error: tail(ran.error),
    endTime: new Date().toISOString(),
  };
  running.delete(command);
  engine.world.changed();
}

/** As ARM shows it: the script and open parameters, never protected ones. */
export function view(
  { id, name, location, tags, script, parameters, protectedNames, view: instanceView }: RunCommand,
  expand: boolean,
): Record<string, unknown> {
  return {
    id,
    name,
    type: 'Microsoft.Compute/virtualMachines/runCommands',
    location,
    ...(tags ? { tags } : {}),
    properties: {
      source: { script },
      asyncExecution: true,
      provisioningState: 'Succeeded',
      parameters: Object.entries(parameters)
        .filter(([parameter]) => !protectedNames.includes(parameter))
        .map(([parameter, value]) => ({ name: parameter, value })),
      ...(expand ? { instanceView } : {}),
    },
  };
}
