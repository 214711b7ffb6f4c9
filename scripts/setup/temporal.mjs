import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './command.mjs';
import { onLeaving } from './leaving.mjs';
import { serviceNode } from './packages.mjs';
import { needFolder, needRoom } from './room.mjs';
import { SetupError, say, whileSaying } from './say.mjs';

/** The version of the Temporal CLI, which carries the development server and the web UI; the same as in tools/temporal/go.mod. */
export const temporalVersion = '1.8.2';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

/** In the user's cache and not in the checkout, so that several clones share one build. */
export const cacheFolder = (env = process.env) => join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'hsm-provisioner', `temporal-${temporalVersion}`);

const executable = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
};

const onPath = (env) =>
  (env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, program))
    .find(executable);

/** Why this Temporal program is not used, or undefined. `said` is the output of `temporal --version`. Older ones lack what the jobs and this stack ask of a server. */
export function temporalProblem(file, said) {
  const numbers = (version) => version.split('.').map(Number);
  const version = /version (\d+\.\d+\.\d+)/.exec(said)?.[1];
  const [major, minor, patch] = numbers(temporalVersion);
  const [itsMajor, itsMinor, itsPatch] = numbers(version ?? '0.0.0');
  if (itsMajor === major && (itsMinor > minor || (itsMinor === minor && itsPatch >= patch))) return undefined;
  return `${file} is passed by: ${version ? `it is version ${version}` : 'it does not tell its version'}, and ${temporalVersion} or a later ${major}.x is needed.`;
}

const problemOf = (file, env) => temporalProblem(file, spawnSync(file, ['--version'], { env, encoding: 'utf8', timeout: 10_000 }).stdout ?? '');

/** The Temporal program that is there: on the PATH, if it can do what is needed, or in the cache. */
export function findTemporal(env = process.env) {
  const found = onPath(env);
  if (found && problemOf(found, env) === undefined) return found;
  return [join(cacheFolder(env), program)].find(executable);
}

/** Why this Go cannot build the server, or undefined. `said` is the output of `go version`, undefined where there is no Go. */
export function goProblem(said) {
  const wish = 'Install Go 1.21 or later from https://go.dev/dl/, or the `temporal` CLI, or point TEMPORAL_ADDRESS at a running server, and try again.';
  if (said === undefined)
    return `A Temporal server is needed: none that will do is on the PATH, none could be downloaded, and there is no Go to build one. ${wish}`;
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(said) ?? [];
  if (!major || Number(major) < 1 || (Number(major) === 1 && Number(minor) < 21))
    return `A Temporal server must be built, but the Go here is too old (${said.trim()}). ${wish}`;
  return undefined;
}

/** Gets a Temporal program into the cache where none is at hand: the SDK's own download, else a build from tools/temporal/go.mod. */
export async function obtainTemporal(env = process.env, ways = { download, build }) {
  const found = findTemporal(env);
  if (found) return found;
  const passedBy = onPath(env);
  if (passedBy) say(problemOf(passedBy, env));
  const cache = cacheFolder(env);
  needFolder(cache, 'the Temporal server', 'Set XDG_CACHE_HOME to a folder that can be written.');
  const work = mkdtempSync(join(cache, 'new-'));
  // What was writing there ends at this moment, too: hence a few attempts.
  const remove = () => rmSync(work, { recursive: true, force: true, maxRetries: 10 });
  const stay = onLeaving(remove);
  try {
    const made = (await ways.download(work)) ?? (await ways.build(work, env));
    chmodSync(made, 0o755);
    renameSync(made, join(cache, program));
    return join(cache, program);
  } finally {
    stay();
    remove();
  }
}

/** Resolves with the downloaded program, or undefined where nothing has arrived for 10 s. */
async function download(folder) {
  const giveUp = new AbortController();
  const bytes = () => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  let seen = 0;
  let quietSince = Date.now();
  const watching = setInterval(() => {
    const now = bytes();
    if (now !== seen) quietSince = Date.now();
    seen = now;
    if (Date.now() - quietSince > 10_000) giveUp.abort();
  }, 250);
  const script = fileURLToPath(new URL('./download-temporal.mjs', import.meta.url));
  const { code } = await whileSaying('Downloading the Temporal server', '10 s; not every network lets it through', () =>
    command(serviceNode(root), [script, folder, `v${temporalVersion}`], { cwd: root, signal: giveUp.signal }),
  ).finally(() => clearInterval(watching));
  const got = readdirSync(folder).find((name) => !name.endsWith('.downloading') && executable(join(folder, name)));
  if (code === 0 && got) return join(folder, got);
  say('The Temporal server cannot be downloaded from here; it is built instead, once for all clones.');
  return undefined;
}

async function build(folder, env) {
  const goEnv = { ...env, GOTOOLCHAIN: 'auto', GOBIN: folder, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' };
  const version = await command('go', ['version'], { env: goEnv });
  const problem = goProblem(version.code === 0 ? version.lines.join(' ') : undefined);
  if (problem) throw new SetupError(problem);
  needRoom(folder, 2, 'Building the Temporal server');
  let packages = 0;
  const args = ['install', '-v', '-trimpath', '-ldflags', `-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=${temporalVersion}`, 'tool'];
  const { code, lines } = await whileSaying(
    'Building the Temporal server',
    '4 to 5 min, once',
    () => command('go', args, { cwd: join(root, 'tools', 'temporal'), env: goEnv, onLine: () => packages++ }),
    () => `${packages} packages done`,
  );
  const made = join(folder, program);
  if (code === 0 && existsSync(made)) return made;
  const why = lines.some((line) => /no space left/.test(line)) ? 'the disk is full.' : `its last lines were:\n${lines.slice(-6).join('\n')}`;
  throw new SetupError(`Go could not build the Temporal server (exit ${code}): ${why}`);
}
