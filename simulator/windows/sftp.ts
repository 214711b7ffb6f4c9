import ssh2, { type SFTPWrapper } from 'ssh2';
import type { Files } from './state.ts';

const { STATUS_CODE, OPEN_MODE } = ssh2.utils.sftp;
const windows = (path: string): string => path.replace(/^\/(?=[A-Za-z]:)/, '').replaceAll('/', '\\');

interface OpenFile {
  path: string;
  content: Buffer;
  write: boolean;
}

/** SFTP over the virtual file system; paths as OpenSSH on Windows has them, `/C:/folder/file`. `arrive` says whether the connection is still there. */
export function serveSftp(sftp: SFTPWrapper, files: Files, home: string, arrive: (what: string, path: string) => Promise<boolean>, changed: () => void): void {
  const handles = new Map<string, OpenFile | { listing: string[] | undefined }>();
  let last = 0;
  const give = (id: number, open: OpenFile | { listing: string[] | undefined }) => {
    const handle = Buffer.alloc(4);
    handle.writeUInt32BE(++last);
    handles.set(handle.toString('hex'), open);
    sftp.handle(id, handle);
  };
  const file = (handle: Buffer) => handles.get(handle.toString('hex')) as OpenFile | undefined;
  const attributes = (path: string) => {
    const content = files.read(path);
    return { mode: content ? 0o100600 : 0o040700, uid: 0, gid: 0, size: content?.length ?? 0, atime: 0, mtime: 0 };
  };
  const status = (id: number, good: boolean) => sftp.status(id, good ? STATUS_CODE.OK : STATUS_CODE.NO_SUCH_FILE);
  const stat = (id: number, path: string) =>
    files.exists(windows(path)) || /^\/?[A-Za-z]:[\\/]?$/.test(path) ? sftp.attrs(id, attributes(windows(path)) as never) : status(id, false);

  const open = async (id: number, name: string, flags: number) => {
    const path = windows(name);
    const write = (flags & (OPEN_MODE.WRITE | OPEN_MODE.APPEND)) !== 0;
    if (!(await arrive(write ? 'put' : 'get', path))) return;
    const content = files.read(path);
    if (!write && !content) return status(id, false);
    give(id, { path, content: flags & OPEN_MODE.TRUNC || !content ? Buffer.alloc(0) : content, write });
    if (write && !content) files.write(path, '');
  };
  const remove = async (id: number, path: string) => {
    if (!(await arrive('remove', windows(path)))) return;
    if (files.isOpen(windows(path))) return sftp.status(id, STATUS_CODE.FAILURE);
    status(id, files.remove(windows(path)));
    changed();
  };

  sftp.on('OPEN', (id, name, flags) => void open(id, name, flags));
  sftp.on('REMOVE', (id, path) => void remove(id, path));
  sftp.on('READ', (id, handle, offset, length) => {
    const open = file(handle);
    if (!open || offset >= open.content.length) return sftp.status(id, STATUS_CODE.EOF);
    sftp.data(id, open.content.subarray(offset, offset + length));
  });
  sftp.on('WRITE', (id, handle, offset, data) => {
    const open = file(handle);
    if (!open) return status(id, false);
    const size = Math.max(open.content.length, offset + data.length);
    const grown = Buffer.alloc(size);
    open.content.copy(grown);
    data.copy(grown, offset);
    open.content = grown;
    status(id, true);
  });
  sftp.on('CLOSE', (id, handle) => {
    const open = file(handle);
    if (open?.write) {
      files.write(open.path, open.content);
      changed();
    }
    status(id, handles.delete(handle.toString('hex')));
  });
  sftp.on('RENAME', (id, from, to) => {
    status(id, files.rename(windows(from), windows(to)));
    changed();
  });
  sftp.on('OPENDIR', (id, path) => give(id, { listing: files.list(windows(path)) }));
  sftp.on('READDIR', (id, handle) => {
    const open = handles.get(handle.toString('hex')) as { listing: string[] | undefined } | undefined;
    if (!open?.listing) return sftp.status(id, STATUS_CODE.EOF);
    sftp.name(id, open.listing.map((filename) => ({ filename, longname: filename, attrs: attributes(filename) })) as never);
    open.listing = undefined;
  });
  sftp.on('MKDIR', (id) => status(id, true));
  sftp.on('RMDIR', (id) => status(id, true));
  sftp.on('REALPATH', (id, path) => sftp.name(id, [{ filename: path === '.' ? home : path, longname: path, attrs: {} }] as never));
  for (const event of ['STAT', 'LSTAT'] as const) sftp.on(event as 'STAT', (id, path) => stat(id, path));
  sftp.on('FSTAT', (id, handle) => sftp.attrs(id, { ...attributes(''), size: file(handle)?.content.length ?? 0 } as never));
  for (const event of ['SETSTAT', 'FSETSTAT'] as const) sftp.on(event, (id: number) => void status(id, true));
}
