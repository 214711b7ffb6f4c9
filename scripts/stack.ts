import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Child, Ended } from './stack/child.ts';
import { guard } from './stack/guard.ts';
import { type Setting, type SimulatorReady, startApi, startSimulator, startTemporal, startWorker } from './stack/parts.ts';
import { failed, freePort, StackError } from './stack/ready.ts';
import { clearLeftovers, dropRegister, keepRegister } from './stack/register.ts';
import { Supervisor } from './stack/supervisor.ts';
import { untilForeignTemporal } from './stack/temporal.ts';

export { StackError } from './stack/ready.ts';

/** Beside the data of all stacks: it depends on the source alone. */
const workflowCodeFolder = fileURLToPath(new URL('../.data/workflow-code', import.meta.url));

export type PartName = 'temporal' | 'simulator' | 'worker' | 'api';

export interface StackOptions {
  /** Everything that must survive a restart lives here: jobs, the simulated world, secrets, reports, logs. */
  dataFolder: string;
  /** How many times faster than in reality the simulated world goes. */
  timeScale: number;
  /** `free`: any free ports and no Temporal UI, for tests. `fixed`: 7233, 8233 and 8080, or what the settings say. */
  ports?: 'free' | 'fixed';
  /** Where the tokens are, if not in the data folder. */
  tokensFile?: string;
  /** More arguments for the simulator. */
  simulatorArgs?: readonly string[];
  /** More arguments for the Temporal server. */
  temporalArgs?: readonly string[];
  /** Added to the environment of every part. */
  env?: NodeJS.ProcessEnv;
  /** Restart the worker and the API when one of them ends by itself, and tell why; without this the stack is broken then. Temporal and the simulator never are. */
  supervise?: (text: string) => void;
  /** Called when Temporal answers, before anything else starts. */
  prepare?: (temporalAddress: string, taskQueue: string) => Promise<void>;
}

export interface Stack {
  dataFolder: string;
  /** Address of the Temporal server, `host:port`. */
  temporal: string;
  /** Address of the Temporal UI, where this stack has one. */
  ui?: string;
  /** Base address of the API. */
  api: string;
  /** The simulator's addresses; `control` is its control API. */
  readonly simulator: SimulatorReady;
  readonly tokens: Tokens;
  tokensFile: string;
  /** This stack’s own: in a Temporal that others use, too, its worker takes no step of a real job, and no real worker takes one of its jobs. */
  readonly taskQueue: string;
  /** The environment that the worker runs with: with it, other processes reach the same secrets and the same simulated world. */
  readonly workerEnv: NodeJS.ProcessEnv;
  /** Process id of a part; undefined for a Temporal server that is not ours, and for a part that was killed. */
  pid(name: PartName): number | undefined;
  /** Ends a part with a signal and tells how it ended. It stays down until `restart`. */
  kill(name: PartName, signal: NodeJS.Signals): Promise<Ended>;
  /** Ends a part if it runs, starts it again, and waits until it is ready. */
  restart(name: PartName): Promise<void>;
  /** Ends everything. Data stays. */
  stop(): Promise<void>;
  /** Resolves when a part ends that nobody ended, and that is not restarted. */
  readonly broken: Promise<StackError>;
}

export interface Tokens {
  operator: string;
  approver: string;
}

/**
 * Starts Temporal (unless TEMPORAL_ADDRESS names one), the simulator, the worker and the API as processes of their own, and waits until each is ready. Fails
 * with a StackError that says which part failed and why; nothing is left running then.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dataFolder = resolve(options.dataFolder);
  const stack = new RunningStack({ ...options, dataFolder });
  await clearLeftovers(dataFolder);
  try {
    await stack.start();
    return stack;
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

class RunningStack implements Stack {
  readonly dataFolder: string;
  readonly tokensFile: string;
  readonly broken: Promise<StackError>;
  temporal = '';
  taskQueue = 'hsm-simulated';
  ui?: string;
  api = '';
  readonly #options: StackOptions;
  readonly #setting: Setting;
  readonly #children = new Map<PartName, Child>();
  readonly #ending = new Set<Child>();
  readonly #supervisor: Supervisor<PartName> | undefined;
  #unguard = () => {};
  #simulator: SimulatorReady | undefined;
  #ports = { temporal: 0, ui: 0, api: 0 };
  #report: (error: StackError) => void = () => {};

  constructor(options: StackOptions) {
    this.#options = options;
    this.dataFolder = options.dataFolder;
    this.tokensFile = options.tokensFile ?? join(options.dataFolder, 'tokens.json');
    this.#setting = { dataFolder: options.dataFolder, env: { ...process.env, ...options.env }, started: (child) => this.#keep(child) };
    this.broken = new Promise((resolve) => {
      this.#report = resolve;
    });
    const { supervise } = options;
    if (supervise) this.#supervisor = new Supervisor({ restart: (name) => this.restart(name), say: supervise, giveUp: (error) => this.#report(error) });
  }

  async start(): Promise<void> {
    const { env } = this.#setting;
    await this.#choosePorts();
    this.#unguard = guard(() => {
      for (const child of this.#children.values()) if (child.alive) process.kill(child.pid, 'SIGKILL');
    });
    if (env.TEMPORAL_ADDRESS) {
      this.temporal = env.TEMPORAL_ADDRESS;
      await untilForeignTemporal(env, this.#options.supervise ?? (() => {}));
      this.taskQueue += `-${createHash('sha256').update(this.dataFolder).digest('hex').slice(0, 10)}`;
    } else {
      this.temporal = env.TEMPORAL_ADDRESS = `127.0.0.1:${this.#ports.temporal}`;
      if (this.#ports.ui) this.ui = `http://127.0.0.1:${this.#ports.ui}`;
      await this.restart('temporal');
    }
    await this.#options.prepare?.(this.temporal, this.taskQueue);
    await this.restart('simulator');
    this.api = `http://127.0.0.1:${this.#ports.api}`;
    await Promise.all([this.restart('worker'), this.restart('api')]);
  }

  get simulator(): SimulatorReady {
    if (!this.#simulator) throw new StackError('The simulator was never started.');
    return this.#simulator;
  }

  get tokens(): Tokens {
    return JSON.parse(readFileSync(this.tokensFile, 'utf8')) as Tokens;
  }

  get workerEnv(): NodeJS.ProcessEnv {
    const { arm, authority, socks, caFile, tenantId, clientId, clientSecret } = this.simulator;
    const { timeScale } = this.#options;
    return {
      HSM_ARM_ENDPOINT: arm,
      AZURE_AUTHORITY_HOST: authority,
      AZURE_TENANT_ID: tenantId,
      AZURE_CLIENT_ID: clientId,
      AZURE_CLIENT_SECRET: clientSecret,
      HSM_CA_FILE: caFile,
      HSM_PROXY: /^socks5h?:/.test(socks) ? socks : `socks5://${socks}`,
      HSM_WORKER_SOURCES: '203.0.113.10/32',
      HSM_POLL_INTERVAL_MS: `${Math.max(150, Math.round(10_000 / timeScale))}`,
      HSM_AZURE_TIMEOUT_MS: `${Math.max(5000, Math.round(60_000 / timeScale))}`,
      HSM_COMMAND_MS: `${Math.max(2500, Math.round(150_000 / timeScale))}`,
      // What the environment may say of them is about real systems: no secret of the simulated world gets into their store.
      HSM_SECRETS: 'file',
      HSM_KEY_VAULT_URL: '',
      HSM_SECRETS_FOLDER: join(this.dataFolder, 'secrets'),
      HSM_SECRETS_KEY_FILE: join(this.dataFolder, 'secrets.key'),
      HSM_RECORD: 'folder',
      HSM_RECORD_CONTAINER_URL: '',
      HSM_RECORD_FOLDER: join(this.dataFolder, 'record'),
      HSM_REPORTS: 'folder',
      HSM_REPORTS_CONTAINER_URL: '',
      HSM_REPORTS_FOLDER: join(this.dataFolder, 'reports'),
      HSM_WORKFLOW_CODE_FOLDER: workflowCodeFolder,
      ...this.#options.env,
      // Whatever the environment says.
      HSM_TASK_QUEUE: this.taskQueue,
    };
  }

  pid(name: PartName): number | undefined {
    const child = this.#children.get(name);
    return child?.alive ? child.pid : undefined;
  }

  async kill(name: PartName, signal: NodeJS.Signals): Promise<Ended> {
    const child = this.#children.get(name);
    if (!child) throw new StackError(`There is no ${name} to end.`);
    this.#ending.add(child);
    return await child.kill(signal);
  }

  async restart(name: PartName): Promise<void> {
    await this.#end(name);
    const child = await this.#starting(name);
    this.#children.set(name, child);
    keepRegister(
      this.dataFolder,
      [...this.#children.values()].filter(({ alive }) => alive),
    );
    void child.ended.then((ended) => this.#endedBy(name, child, ended));
  }

  #endedBy(name: PartName, child: Child, { code, signal }: Ended): void {
    if (this.#ending.has(child)) return;
    const error = failed(child, `ended by itself (${signal ?? `exit ${code}`})`);
    if (this.#supervisor && (name === 'worker' || name === 'api')) this.#supervisor.ended(name, error);
    else this.#report(error);
  }

  async stop(): Promise<void> {
    const restarting = this.#supervisor?.stop();
    // Also what is being restarted at this moment: that fails then.
    await Promise.all([this.#end('worker'), this.#end('api')]);
    await restarting;
    // The worker first: it must say to Temporal that it leaves. Temporal last.
    for (const names of [['worker', 'api'], ['simulator'], ['temporal']] as const) await Promise.all(names.map((name) => this.#end(name)));
    this.#unguard();
    dropRegister(this.dataFolder);
  }

  #keep(child: Child): void {
    this.#children.set(child.name as PartName, child);
    keepRegister(
      this.dataFolder,
      [...this.#children.values()].filter(({ alive }) => alive),
    );
  }

  async #end(name: PartName): Promise<void> {
    const child = this.#children.get(name);
    if (!child) return;
    this.#ending.add(child);
    await child.stop();
  }

  async #starting(name: PartName): Promise<Child> {
    const { timeScale, simulatorArgs = [], temporalArgs = [] } = this.#options;
    switch (name) {
      case 'temporal':
        return await startTemporal(this.#setting, this.#ports, temporalArgs);
      case 'worker':
        return await startWorker(this.#setting, this.workerEnv);
      case 'api':
        return await startApi(this.#setting, this.#ports.api, { ...this.workerEnv, HSM_TOKENS_FILE: this.tokensFile });
      case 'simulator': {
        const { child, ready } = await startSimulator(this.#setting, timeScale, simulatorArgs);
        this.#simulator = ready;
        return child;
      }
    }
  }

  async #choosePorts(): Promise<void> {
    const { env } = this.#setting;
    const fixed = this.#options.ports === 'fixed';
    const choose = async (setting: string, usual: number, purpose: string) => await freePort(fixed ? Number(env[setting] ?? usual) : 0, purpose, setting);
    const own = !env.TEMPORAL_ADDRESS;
    this.#ports = {
      temporal: own ? await choose('HSM_TEMPORAL_PORT', 7233, 'Temporal') : 0,
      ui: own && fixed ? await choose('HSM_TEMPORAL_UI_PORT', 8233, 'the Temporal UI') : 0,
      api: await choose('HSM_API_PORT', 8080, 'the API'),
    };
  }
}
