import type { CodeOf } from '../domain/failure-codes.ts';

/** What is wrong with the worker’s own machine, and what to do, for a person. */
export interface LocalFault {
  code: CodeOf<'Transient'>;
  summary: string;
  remedy: string;
}

interface Known {
  code: CodeOf<'Transient'>;
  /** What is seen; the file or the name that it is about is added. */
  seen: string;
  /** What to do; that the step goes on by itself then is added. */
  fix: string;
}

const disk = { code: 'WORKER_DISK_FULL', seen: 'the worker’s disk is full', fix: 'Free space on the worker.' } as const;
const files = {
  code: 'WORKER_OVERLOADED',
  seen: 'the worker has too many files open',
  fix: 'Raise the limit of open files (ulimit -n), or stop what holds them.',
} as const;
const names = { code: 'WORKER_NAME_NOT_RESOLVED', seen: 'a name cannot be resolved', fix: 'Check the name and the worker’s name servers.' } as const;
const load = { code: 'WORKER_OVERLOADED', seen: 'the worker’s machine is out of memory or processes', fix: 'Free memory on the worker.' } as const;

/** By the code of the operating system: faults that pass. Missing files and rights do not pass, and connections are judged where they are used. */
const passing: Readonly<Record<string, Known>> = {
  ENOSPC: disk,
  EDQUOT: { code: 'WORKER_DISK_FULL', seen: 'the worker’s disk quota is used up', fix: 'Free space on the worker, or raise the quota.' },
  EROFS: { code: 'WORKER_DISK_FAILED', seen: 'the worker’s disk is read-only', fix: 'Make it writable again.' },
  EIO: { code: 'WORKER_DISK_FAILED', seen: 'the worker’s disk reports an input/output error', fix: 'Check the disk of the worker.' },
  ESTALE: { code: 'WORKER_DISK_FAILED', seen: 'the worker lost its network disk', fix: 'Mount it again.' },
  EBUSY: { code: 'WORKER_DISK_FAILED', seen: 'a file of the worker is in use', fix: 'Check what uses it.' },
  EMFILE: files,
  ENFILE: files,
  EAGAIN: load,
  ENOMEM: load,
  EAI_AGAIN: names,
  EAI_FAIL: names,
  ENOTFOUND: names,
};

interface SystemError {
  code?: unknown;
  syscall?: unknown;
  errno?: unknown;
  path?: unknown;
  hostname?: unknown;
  cause?: unknown;
  errors?: unknown;
}

/** What caused it in the end; undefined where several things did. */
function rootOf(error: unknown): SystemError | undefined {
  // Causes may form a circle.
  const seen = new Set<unknown>();
  let root = error;
  while (root instanceof Error && !seen.has(root)) {
    seen.add(root);
    const { cause, errors } = root as SystemError;
    if (Array.isArray(errors)) return errors.length === 1 ? rootOf(errors[0]) : undefined;
    if (!(cause instanceof Error)) return root as SystemError;
    root = cause;
  }
  return undefined;
}

/**
 * The passing fault of the worker’s own machine that an error is, or was caused by in the end; undefined for any other error. Nobody else has answered anything
 * then: what another system refused never has such a root.
 */
export function localFault(error: unknown): LocalFault | undefined {
  const root = rootOf(error);
  if (!root || typeof root.code !== 'string' || (root.syscall === undefined && root.errno === undefined)) return undefined;
  const known = Object.hasOwn(passing, root.code) ? passing[root.code] : undefined;
  if (!known) return undefined;
  const what = [root.path, root.hostname].find((one) => typeof one === 'string' && one !== '');
  return {
    code: known.code,
    summary: `${known.seen} (${what === undefined ? '' : `${what}, `}${root.code})`,
    remedy: `${known.fix} The step then goes on by itself.`,
  };
}
