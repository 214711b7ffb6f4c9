// `npm run demo`: the whole runbook on this machine, against simulated systems. See scripts/setup/commands/demo.mjs for what may be asked for.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plan } from '../domain/plan.ts';
import type { Progress } from '../domain/progress.ts';
import type { ProvisioningRequest } from '../domain/request.ts';
import { step, stepIds } from '../domain/steps.ts';
import { validateRequest } from '../domain/validate.ts';
import { Api, ApiError } from './console/api.ts';
import { duration } from './console/format.ts';
import { renderPlan } from './console/plan.ts';
import { Screen } from './console/screen.ts';
import { stateNames } from './console/table.ts';
import { follow, NobodyToAsk } from './demo/follow.ts';
import { beginNewWorld, jobFor, needSimulatedWorld, provideSecrets, unfinishedJobs } from './demo/world.ts';
import { readOrExit } from './setup/command-line.mjs';
import * as command from './setup/commands/demo.mjs';
import { interruption, type Leaving } from './stack/interruption.ts';
import { type Stack, StackError, startStack } from './stack.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dataFolder = resolve(process.env.HSM_DATA_FOLDER ?? `${root}.data`);
const screen = new Screen(process.stdout);

type DemoOptions = ReturnType<typeof command.read>;

interface Asked extends DemoOptions {
  request: ProvisioningRequest;
  /** Jobs that an earlier stack left unfinished. */
  unfinished: readonly string[];
}

async function main(): Promise<number> {
  const options = readOrExit(command, process.argv.slice(2));
  // Before anything else: a new world would begin, and the last one end, only for the API to refuse the request.
  const request = readRequest(resolve(options.requestFile ?? `${root}examples/luna-kylo.json`));
  needSimulatedWorld(dataFolder);
  const leaving = interruption();
  // Until the stack is up there is nothing to stop in order: ending this process ends its children at once.
  const quit = () => process.exit(130);
  leaving.signal.addEventListener('abort', quit);
  const unfinished: string[] = [];
  const stack = await start(options, unfinished);
  leaving.signal.removeEventListener('abort', quit);
  void stack.broken.then((error) => leaving.leave(error));
  try {
    return await provision(stack, { request, unfinished, ...options }, leaving);
  } catch (error) {
    return explain(leaving.reason ?? error);
  } finally {
    screen.print('Stopping …');
    await stack.stop();
  }
}

function readRequest(file: string): ProvisioningRequest {
  const validated = validateRequest(parsed(file));
  if (validated.ok) return validated.request;
  const mistakes = validated.mistakes.map(({ path, message }) => `  - ${path}: ${message}`);
  throw new StackError(`The request ${file} cannot be carried out; nothing was touched:\n${mistakes.join('\n')}`);
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new StackError(`The request ${file} cannot be read: ${(error as Error).message}`);
  }
}

/** Starts everything; fills in which jobs were not finished. */
async function start({ timeScale, fault }: DemoOptions, unfinished: string[]): Promise<Stack> {
  screen.print(`Starting Temporal, the simulated world (${timeScale} times faster than reality), the worker and the API …`);
  const prepare = async (temporal: string, taskQueue: string) => {
    unfinished.push(...(await unfinishedJobs(temporal, taskQueue)));
    if (unfinished.length > 0) screen.print(`Not finished yet, so the world stays as it is: ${unfinished.join(', ')}.`);
    else {
      const aside = beginNewWorld(dataFolder);
      if (aside) screen.print(`A new simulated world begins; the passwords of the last one are now in ${aside}.`);
    }
  };
  const supervise = (text: string) => screen.print(...text.split('\n'));
  return await startStack({ dataFolder, timeScale, ports: 'fixed', supervise, prepare, simulatorArgs: fault ? ['--fault', fault] : [] });
}

async function provision(stack: Stack, { request, unfinished, yes, timeScale }: Asked, leaving: Leaving): Promise<number> {
  const since = Date.now();
  const { tokens } = stack;
  const api = new Api(stack.api);
  printAddresses(stack);
  screen.print('', ...renderPlan(await api.send<Plan>(tokens.operator, 'POST', '/v1/plans', request), timeScale));
  const provided = await provideSecrets(request, stack.workerEnv);
  if (provided.length > 0) screen.print(`Put into the secret store for this demo: ${provided.join(', ')}.`);
  const id = await post(api, request, unfinished, tokens.operator);
  const progress = await follow({ api, id, tokens, screen, yes, interrupted: leaving.signal });
  printEnd(stack, progress, Date.now() - since);
  return progress.job.state === 'completed' ? 0 : 1;
}

/** Starts the job, or goes on with the one that is under way for the same HSM. */
async function post(api: Api, request: ProvisioningRequest, unfinished: readonly string[], token: string): Promise<string> {
  const target = jobFor(request, unfinished);
  if (target) {
    screen.print(`Going on with the job ${target}.`, '');
    return target;
  }
  return (await api.send<{ id: string }>(token, 'POST', '/v1/provisionings', request)).id;
}

function printAddresses({ api, ui, tokensFile }: Stack): void {
  screen.print(`  API          ${api} (documentation: ${api}/docs)`);
  if (ui) screen.print(`  Temporal UI  ${ui}`);
  screen.print(`  Tokens       ${tokensFile}`);
}

function printEnd(stack: Stack, progress: Progress, tookMs: number): void {
  const { job, steps } = progress;
  const verified = stepIds.flatMap((id) => {
    const { verifies } = step(id);
    return verifies ? [`${verifies} is ${steps[id].state === 'done' ? '' : 'NOT '}verified.`] : [];
  });
  screen.print(
    '',
    `The job is ${stateNames[job.state]} after ${duration(tookMs)}. ${verified.join(' ')}`,
    ...(job.report ? [`  Report       ${job.report.json}`, `               ${job.report.markdown}`] : []),
    ...(job.inventory?.length ? ['  What exists:', ...job.inventory.map((line) => `    ${line}`)] : []),
    ...job.warnings.map((warning) => `  Warning      ${warning}`),
    `  Secrets      ${stack.workerEnv.HSM_SECRETS_FOLDER} (encrypted, key in ${stack.workerEnv.HSM_SECRETS_KEY_FILE})`,
    '  Reopen       npm start: the API and the Temporal UI come back, with this job and this world',
  );
}

function explain(error: unknown): number {
  const resume = 'The job is kept: `npm run demo` goes on with it, and `npm start` as well.';
  if (error instanceof NobodyToAsk) screen.print(error.message, `Run \`npm run demo\` on a terminal to decide, or \`npm run demo -- --yes\`. ${resume}`);
  else if (error instanceof StackError || error instanceof ApiError) screen.print(error.message);
  else if (error instanceof Error && error.name === 'Interrupted') {
    screen.print('', resume);
    return 130;
  } else throw error;
  return 1;
}

try {
  process.exit(await main());
} catch (error) {
  console.error(error instanceof Error && !(error instanceof TypeError) ? error.message : error);
  process.exit(1);
}
