import type { PartitionState } from '../luna/state.ts';

/** A file of a Windows host; paths are compared without regard to case. */
export interface FileState {
  /** As it was first written. */
  path: string;
  /** base64. */
  content: string;
  /** The names that have access, where it was restricted; everybody where absent. */
  acl?: string[];
}

/** Everything that a Windows host remembers. */
export interface HostState {
  name: string;
  address: string;
  adminUser: string;
  adminPassword: string;
  files: Record<string, FileState>;
  hostKeys: { rsa: string };
  sshd: { installed: boolean; running: boolean; automatic?: boolean; firewallProfile?: string };
  lunaClient?: { version: string };
  /** ChrystokiConfigurationPath: where programs look for crystoki.ini. */
  configurationFolder?: string;
  /** A second client, for vtl alone, by the folder that it was installed into. */
  otherClients?: Record<string, { version: string }>;
  /** A backup token in another slot, where a variant gives the host one. */
  token?: PartitionState;
}

export const clientFolder = 'C:\\Program Files\\SafeNet\\LunaClient';

const key = (path: string): string =>
  path
    .replaceAll('/', '\\')
    .replace(/^\\(?=[a-z]:)/i, '')
    .replace(/\\+$/, '')
    .toLowerCase();

/** The virtual file system over the state. */
export class Files {
  readonly #files: HostState['files'];
  /** Files that a program has open: Windows does not remove them. */
  readonly #open = new Set<string>();

  constructor(state: HostState) {
    this.#files = state.files;
  }

  read(path: string): Buffer | undefined {
    const file = this.#files[key(path)];
    return file && Buffer.from(file.content, 'base64');
  }

  text(path: string): string | undefined {
    return this.read(path)?.toString('utf8');
  }

  write(path: string, content: Buffer | string): void {
    const old = this.#files[key(path)];
    this.#files[key(path)] = { path: old?.path ?? path, content: Buffer.from(content).toString('base64'), ...(old?.acl ? { acl: old.acl } : {}) };
  }

  restrict(path: string, names: string[]): void {
    const file = this.#files[key(path)];
    if (file) file.acl = names;
  }

  acl(path: string): string[] | undefined {
    return this.#files[key(path)]?.acl;
  }

  isOpen(path: string): boolean {
    return this.#open.has(key(path));
  }

  /** Keeps a file open while something is done. */
  async whileOpen<T>(path: string, work: () => Promise<T>): Promise<T> {
    this.#open.add(key(path));
    return work().finally(() => this.#open.delete(key(path)));
  }

  restore(files: HostState['files']): void {
    for (const path of Object.keys(this.#files)) delete this.#files[path];
    Object.assign(this.#files, files);
  }

  remove(path: string): boolean {
    const there = key(path) in this.#files;
    delete this.#files[key(path)];
    return there;
  }

  rename(from: string, to: string): boolean {
    const file = this.#files[key(from)];
    if (!file) return false;
    delete this.#files[key(from)];
    this.#files[key(to)] = { ...file, path: to };
    return true;
  }

  /** Is there a file, or a folder with something in it? */
  exists(path: string): boolean {
    return key(path) in this.#files || Object.keys(this.#files).some((name) => name.startsWith(`${key(path)}\\`));
  }

  list(folder: string): string[] {
    const start = `${key(folder)}\\`;
    return [
      ...new Set(
        Object.entries(this.#files)
          .filter(([name]) => name.startsWith(start))
          .map(([name, { path }]) => path.slice(path.length - (name.length - start.length)).split('\\')[0]!),
      ),
    ];
  }
}
