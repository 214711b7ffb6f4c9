import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { command, outerPath } from './command.mjs';
import { oneAtATime } from './one-at-a-time.mjs';
import { needRoom } from './room.mjs';
import { SetupError, whileSaying } from './say.mjs';

const read = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
};

/**
 * Is what is installed what the lock file says? npm writes node_modules/.package-lock.json last, so a half-done install does not count. Packages for other
 * platforms are missing by right.
 */
export function packagesMatch(root) {
  const locked = read(join(root, 'package-lock.json'));
  const installed = read(join(root, 'node_modules', '.package-lock.json'));
  if (!locked || !installed) return false;
  return Object.entries(locked).every(
    ([path, { version, optional, link }]) => path === '' || link || (installed[path] ? installed[path].version === version : optional),
  );
}

/**
 * Where the packages have no Node for this platform, the one that runs this must be new enough: known before anything is installed.
 * @param {string} root
 * @param {{ platform: string, arch: string, versions: { node: string } }} here
 */
export function needServiceNode(root, { platform, arch, versions } = process) {
  const packaged = read(join(root, 'package-lock.json'))?.['']?.optionalDependencies ?? {};
  if (`node-${platform === 'win32' ? 'win' : platform}-${arch}` in packaged || isNewEnough(versions.node)) return;
  throw new SetupError(
    `The packages have no Node 24 for ${platform} ${arch}, and this is ${versions.node}: install Node 24 from https://nodejs.org and try again.`,
  );
}

const isNewEnough = (version) => Number(version.split('.')[0]) >= 24;

/** The Node 24 that the service runs on: from the packages where they have one for this platform, else the one that runs this, if it is new enough. */
export function serviceNode(root) {
  const fromPackages = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
  if (existsSync(fromPackages)) return fromPackages;
  if (isNewEnough(process.versions.node)) return process.execPath;
  throw new SetupError(`${fromPackages} is not there: remove node_modules and try again, or install Node 24 from https://nodejs.org.`);
}

/** Installs the Node packages exactly as locked, when they are missing or others. npm in two terminals at once would take them away from each other. */
export async function installPackages(root) {
  if (packagesMatch(root)) return;
  await oneAtATime(join(root, '.data', 'set-up.pid'), async () => {
    if (!packagesMatch(root)) await install(root);
  });
}

async function install(root) {
  needRoom(root, 0.7, 'the Node packages');
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const env = outerPath(process.env, join(root, 'node_modules', '.bin'), delimiter);
  const { code, missing, lines } = await whileSaying('Installing the Node packages', '30 s to 2 min', () => command('npm', args, { cwd: root, env }));
  if (missing) throw new SetupError('npm was not found: install Node 20 or later together with npm from https://nodejs.org and try again.');
  if (code !== 0) throw new SetupError(`npm could not install the Node packages (exit ${code}): ${reason(lines)}`);
}

function reason(lines) {
  const all = lines.join('\n');
  if (/ENOSPC/.test(all)) return 'the disk is full.';
  if (/EACCES|EPERM|EROFS/.test(all)) return 'writing to node_modules was not permitted; check who owns this folder.';
  if (/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET/.test(all))
    return 'the package registry cannot be reached; check the network and `npm config get registry`.';
  return `its last lines were:\n${lines.slice(-8).join('\n')}`;
}
