import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { type Problem, wordsOf } from '../../../domain/failure.ts';
import { selfSigned } from '../../../simulator/certificates.ts';
import type { TargetRecord } from '../../../stores/record/record.ts';
import { deleteOurClient } from '../../../systems/lunash/registration.ts';
import type { LunashSession } from '../../../systems/lunash/session.ts';

/** Somebody may have registered another one since the look that led to this: the session that deletes looks once more. */
describe('A client of our name', () => {
  const deleted: string[] = [];
  const session = (client: string, certificatePem: string) =>
    ({
      async read(command: string) {
        if (command === 'client list') return `registered client 1: ${client}\n`;
        return command.startsWith('client show')
          ? `ClientID:     ${client}\nIPAddress:    172.22.0.5\nPartitions:   "luna_part"\n`
          : `Certificate fingerprint: ${new X509Certificate(certificatePem).fingerprint256}\n`;
      },
      change: async (command: string) => void deleted.push(command),
    }) as unknown as LunashSession;
  const record = { append: async (event: string, { client }: { client: string }) => void deleted.push(`${event} ${client}`) } as unknown as TargetRecord<'hsm'>;
  let ours: string;
  let theirs: string;
  before(async () => {
    [ours, theirs] = (await Promise.all([selfSigned({ commonName: 'box' }), selfSigned({ commonName: 'box' })])).map(
      ({ certificatePem }) => certificatePem,
    ) as [string, string];
  });
  beforeEach(() => void deleted.splice(0));

  it('is deleted where its certificate was made here, once that is on record', async () => {
    await deleteOurClient(session('box', ours), 'box', [ours], record);
    assert.deepEqual(deleted, ['client-delete-begun box', 'client delete -client box']);
  });

  it('is left alone where somebody registered another one while that was entered', async () => {
    let certificatePem = ours;
    const replaced = { read: (command: string) => session('box', certificatePem).read(command), change: session('box', ours).change } as LunashSession;
    const slow = {
      append: async () => {
        certificatePem = theirs;
      },
    } as unknown as TargetRecord<'hsm'>;
    await assert.rejects(deleteOurClient(replaced, 'box', [ours], slow), ({ problem }: { problem: Problem }) => problem.code === 'HSM_CLIENT_FOREIGN');
    assert.deepEqual(deleted, []);
  });

  it('is left alone where its certificate is somebody else’s', async () => {
    await assert.rejects(deleteOurClient(session('box', theirs), 'box', [ours], record), ({ problem }: { problem: Problem }) => {
      assert.deepEqual([problem.kind, wordsOf(problem)], ['Unsafe', 'it is not registered with a certificate that was made here']);
      return true;
    });
    assert.deepEqual(deleted, []);
  });

  it('that is gone need not be deleted', async () => {
    await deleteOurClient(session('another', theirs), 'box', [ours], record);
    assert.deepEqual(deleted, []);
  });
});
