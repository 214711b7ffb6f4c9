// `run.mjs demo|start|simulator|bench|mutants|test|secret [arguments]`: checks the arguments, sets up what is missing, then runs the command on Node 24. Arguments,
// environment, terminal, signals and exit code pass through.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { readOrExit } from './setup/command-line.mjs';
import * as bench from './setup/commands/bench.mjs';
import * as demo from './setup/commands/demo.mjs';
import * as mutants from './setup/commands/mutants.mjs';
import * as secret from './setup/commands/secret.mjs';
import * as simulator from './setup/commands/simulator.mjs';
import * as start from './setup/commands/start.mjs';
import * as test from './setup/commands/test.mjs';
import { SetupError } from './setup/say.mjs';
import { giveUp, needNode, root, setUp } from './setup.mjs';

const commands = {
  demo: { ...demo, script: 'scripts/demo.ts' },
  start: { ...start, script: 'scripts/start.ts' },
  simulator: { ...simulator, script: 'simulator/main.ts' },
  bench: { ...bench, script: 'bench/bench.ts' },
  test: { ...test, script: 'scripts/test.ts' },
  mutants: { ...mutants, script: 'scripts/mutants.ts' },
  secret: { ...secret, script: 'scripts/secret.ts' },
};

/** Speak to no Temporal server: they must work where none can be had. */
const withoutTemporal = ['simulator', 'secret'];

/** npm that was killed cannot pass that on: then this process has another parent. */
function whenOrphaned(leave) {
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && leave(), 500).unref();
}

async function run([name, ...args]) {
  const command = commands[name];
  if (!command) throw new SetupError(`There is no command "${name ?? ''}": it is one of ${Object.keys(commands).join(', ')}.`);
  needNode();
  // As the command itself runs: relative paths mean the same to both.
  process.chdir(root);
  // A mistake is told before anything is installed or built, which takes minutes.
  readOrExit(command, args);
  const node = await setUp({ temporal: !withoutTemporal.includes(name) });
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`, NODE_COMPILE_CACHE: join(root, '.data', 'compile-cache') };
  const child = spawn(node, [join(root, command.script), ...args], { cwd: root, env, stdio: 'inherit' });
  // A terminal sends Ctrl-C to the child as well: it must take the second one as the same wish.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  if (process.env.npm_lifecycle_event) whenOrphaned(() => child.kill('SIGTERM'));
  child.on('error', giveUp);
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

await run(process.argv.slice(2)).catch(giveUp);
