import { spawnSync } from 'node:child_process';

/** The version of OpenSSH’s client on this machine, as a number (9.2); what is missing, where it is not there. */
export function openssh(path = process.env.PATH): { version: number } | { missing: string } {
  const env = { ...process.env, PATH: path };
  const said = spawnSync('ssh', ['-V'], { env, encoding: 'utf8' }).stderr ?? '';
  const version = Number(/OpenSSH\w*_(\d+\.\d+)/.exec(said)?.[1]);
  const scp = spawnSync('scp', [], { env }).error === undefined;
  if (version && scp) return { version };
  return {
    missing: `OpenSSH’s ssh and scp are not on the PATH: install the package openssh-client (Debian, Ubuntu) or openssh-clients (Fedora) to test against them.`,
  };
}

/** scp spoke nothing but the old protocol before 8.7, and needs to be asked for it since. */
export const oldProtocol = (version: number): string[] => (version >= 8.7 ? ['-O'] : []);
