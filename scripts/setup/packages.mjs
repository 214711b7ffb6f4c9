import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { command, outerPath } from './command.mjs';
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

/** The Node 24 that the service runs on: from the packages where they have one for this platform, else the one that runs this, if it is new enough. */
export function serviceNode(root) {
  const fromPackages = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
  if (existsSync(fromPackages)) return fromPackages;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  throw new SetupError(`The packages have no Node 24 for ${process.platform} ${process.arch}: install Node 24 from https://nodejs.org and try again.`);
}

/** Installs the Node packages exactly as locked, when they are missing or others. */
export async function installPackages(root) {
  if (packagesMatch(root)) return;
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
