// `run.mjs demo|start|simulator|bench|mutants|test|secret [arguments]`: sets up what is missing, then runs the command on Node 24. Arguments, environment, terminal, signals
// and exit code pass through.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { SetupError } from './setup/say.mjs';
import { giveUp, root, setUp } from './setup.mjs';

const commands = {
  demo: 'scripts/demo.ts',
  start: 'scripts/start.ts',
  simulator: 'simulator/main.ts',
  bench: 'bench/bench.ts',
  test: 'scripts/test.ts',
  mutants: 'scripts/mutants.ts',
  secret: 'scripts/secret.ts',
};

/** Speak to no Temporal server: they must work where none can be had. */
const withoutTemporal = ['simulator', 'secret'];

/** npm that was killed cannot pass that on: then this process has another parent. */
function whenOrphaned(leave) {
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && leave(), 500).unref();
}

async function run([name, ...args]) {
  const script = commands[name];
  if (!script) throw new SetupError(`There is no command "${name ?? ''}": it is one of ${Object.keys(commands).join(', ')}.`);
  const node = await setUp({ temporal: !withoutTemporal.includes(name) });
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`, NODE_COMPILE_CACHE: join(root, '.data', 'compile-cache') };
  const child = spawn(node, [join(root, script), ...args], { cwd: root, env, stdio: 'inherit' });
  // A terminal sends Ctrl-C to the child as well: it must take the second one as the same wish.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  if (process.env.npm_lifecycle_event) whenOrphaned(() => child.kill('SIGTERM'));
  child.on('error', giveUp);
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

await run(process.argv.slice(2)).catch(giveUp);
