import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { searchAttributeArguments } from '../../temporal/contract.ts';
import { findTemporal } from '../setup/temporal.mjs';
import { Child } from './child.ts';
import { readyFile, StackError, saysReady, untilReady } from './ready.ts';
import { takesOrders } from './temporal.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const startUpMs = 60_000;

/** What a part needs to know of the stack that it belongs to. */
export interface Setting {
  dataFolder: string;
  /** The environment that every part inherits. */
  env: NodeJS.ProcessEnv;
  /** Told of every process at once, so that it can be ended even while it is not ready. */
  started: (child: Child) => void;
}

interface Part {
  name: string;
  args?: readonly string[];
  /** What it gets beside what every part inherits. */
  env?: NodeJS.ProcessEnv;
}

function begin(setting: Setting, file: string, { name, args = [], env = {} }: Part): Child {
  const child = new Child({ name, file, args, env: { ...setting.env, ...env }, logFile: join(setting.dataFolder, 'logs', `${name}.log`) });
  setting.started(child);
  return child;
}

const service = (setting: Setting, script: string, part: Part): Child =>
  begin(setting, process.execPath, { ...part, args: [join(root, script), ...(part.args ?? [])] });

/** What the simulator tells when it is up; every address is on loopback. */
export interface SimulatorReady {
  arm: string;
  authority: string;
  socks: string;
  control: string;
  caFile: string;
  tenantId: string;
  clientId: string;
  clientSecret: string;
  subscriptionId: string;
}

/** The Temporal development server with its data in one SQLite file. Without a port for it there is no UI. */
export async function startTemporal(setting: Setting, ports: { temporal: number; ui: number }, more: readonly string[]): Promise<Child> {
  const port = ports.temporal;
  const program = findTemporal(setting.env);
  if (!program) throw new StackError('There is no Temporal server on this machine yet: run `npm run setup`, or set TEMPORAL_ADDRESS.');
  const folder = join(setting.dataFolder, 'temporal');
  mkdirSync(folder, { recursive: true });
  const database = join(folder, 'temporal.db');
  const isNew = !existsSync(database);
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', `${port}`, '--db-filename', database, '--log-level', 'warn'];
  // Timers may fire up to a second late by default: in a world that goes 60 times faster that is a minute.
  args.push('--dynamic-config-value', 'history.timerProcessorMaxTimeShift="20ms"');
  args.push(...(ports.ui ? ['--ui-ip', '127.0.0.1', '--ui-port', `${ports.ui}`] : ['--headless']), ...more);
  for (const attribute of searchAttributeArguments) args.push('--search-attribute', attribute);
  const child = begin(setting, program, { name: 'temporal', args });
  await untilReady(child, startUpMs, () => takesOrders(port));
  if (isNew) await untilReady(child, startUpMs, () => keepJobs(program, port, setting.env));
  return child;
}

/** The development server forgets finished jobs after a day unless told otherwise. Undefined while it does not listen yet. */
async function keepJobs(program: string, port: number, env: NodeJS.ProcessEnv): Promise<true | undefined> {
  const args = ['operator', 'namespace', 'update', '--namespace', 'default', '--retention', '90d', '--address', `127.0.0.1:${port}`];
  return promisify(execFile)(program, args, { env }).then(
    () => true,
    () => undefined,
  );
}

/** The simulated Azure, HSM, Windows host and CipherTrust Manager. */
export async function startSimulator(setting: Setting, timeScale: number, args: readonly string[]): Promise<{ child: Child; ready: SimulatorReady }> {
  const folder = join(setting.dataFolder, 'simulator');
  mkdirSync(folder, { recursive: true });
  const file = freshReadyFile(setting, 'simulator');
  const own = ['--time-scale', `${timeScale}`, '--state', join(folder, 'state.json'), '--ready-file', file];
  const child = service(setting, 'simulator/main.ts', { name: 'simulator', args: [...own, ...args] });
  return { child, ready: await untilReady(child, startUpMs, () => readyFile<SimulatorReady>(file)) };
}

/** The worker, pointed at the simulator by the configuration that production has too; ready when it polls. */
export async function startWorker(setting: Setting, env: NodeJS.ProcessEnv): Promise<Child> {
  const file = freshReadyFile(setting, 'worker');
  const own = { HSM_WORKER_HEALTH_ADDRESS: '127.0.0.1:0', ...env, HSM_READY_FILE: file };
  const child = service(setting, 'worker/main.ts', { name: 'worker', env: own });
  await untilReady(child, startUpMs, () => {
    const said = readyFile<{ health: string }>(file);
    return said && saysReady(`${said.health}/readyz`);
  });
  return child;
}

export async function startApi(setting: Setting, port: number, env: NodeJS.ProcessEnv): Promise<Child> {
  const child = service(setting, 'api/server.ts', { name: 'api', env: { ...env, HSM_API_PORT: `${port}` } });
  await untilReady(child, startUpMs, () => saysReady(`http://127.0.0.1:${port}/healthz`));
  return child;
}

function freshReadyFile({ dataFolder }: Setting, name: string): string {
  const folder = join(dataFolder, 'run');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  rmSync(file, { force: true });
  return file;
}
