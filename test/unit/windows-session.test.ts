import assert from 'node:assert/strict';
import type { SshConnection } from '../../systems/ssh/connection.ts';
import { WindowsSession } from '../../systems/windows/windows.ts';

describe('A session on the Windows host', () => {
  /** What it asks for and sends, one after the other. */
  function session() {
    const sent: string[] = [];
    const answered =
      (name: string) =>
      (...args: unknown[]) => {
        sent.push(name);
        (args.at(-1) as (error: undefined, handle: Buffer) => void)(undefined, Buffer.alloc(4));
      };
    const sftp = { open: answered('open'), write: answered('write'), close: answered('close'), unlink: answered('unlink') };
    const connection: Partial<Record<keyof SshConnection, unknown>> = {
      sftp: async () => sftp,
      permit: async (act: unknown) => void sent.push(act === undefined ? 'permit' : `permit for ${JSON.stringify(act)}`),
      whileOpen: (_: string, answer: Promise<unknown>) => answer,
    };
    return { sent, session: new WindowsSession(connection as unknown as SshConnection, 'LunaAdmin') };
  }

  it('asks for a permit before each request that changes a file', async () => {
    const { sent, session: host } = session();
    await host.write('C:\\file', 'x'.repeat(20_000), 'lunacm-script');
    await host.remove('C:\\file');
    const part = 'permit for {"partOf":"lunacm-script"}';
    assert.deepEqual(sent, ['permit for "lunacm-script"', 'open', part, 'write', part, 'write', 'close', 'permit', 'unlink']);
  });
});
