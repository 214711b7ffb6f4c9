import assert from 'node:assert/strict';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { setRootOfTrust } from '../../activities/root-of-trust/set-root-of-trust.ts';
import type { Systems } from '../../activities/systems.ts';
import { createRecords } from '../../stores/record/record.ts';
import { exampleRequest } from '../support/example.ts';
import { runStep } from '../support/fence.ts';
import { memoryNumberedStore } from '../support/numbered-store.ts';

const pinned = (address: string) => ({ address, pin: 'SHA256:x' });
const certificate = { pem: '', fingerprint: '', notAfter: '' };
const input = {
  target: 'kylo-1',
  runId: 'run-1',
  request: exampleRequest(),
  cipherTrust: pinned('172.22.0.5'),
  hsmAddress: '172.22.1.4',
  partitionSerial: '1',
  serverCertificate: certificate,
  clientCertificate: certificate,
  keySecret: 'key',
};

describe('set-root-of-trust', () => {
  /** On which hosts its second attempt looked for what the first one left there. */
  async function searchedBy(given: typeof input): Promise<string[]> {
    const searched: string[] = [];
    const systems = {
      settings: { commandMs: 1, lunaVia: 'client' },
      windows: {
        open: async (_: unknown, { address }: { address: string }) => {
          searched.push(address);
          throw new Error('it is not reached');
        },
      },
      records: createRecords(memoryNumberedStore()),
      cipherTrust: { leaf: () => Promise.reject(new Error('the look begins')) },
    } as unknown as Systems;
    const environment = new MockActivityEnvironment({ attempt: 2, startToCloseTimeoutMs: 60_000 }, { logger: new DefaultLogger('ERROR') });
    await assert.rejects(runStep(environment, setRootOfTrust(systems), given));
    return searched;
  }

  it('ends what an earlier attempt left on the Windows host before it looks', async () => {
    const hosts = { windows: pinned('172.22.0.4'), hsm: pinned('172.22.1.4') };
    assert.deepEqual(await searchedBy({ ...input, ...hosts }), ['172.22.0.4']);
  });

  it('waits for it in a job that began before it was told of that host', async () => assert.deepEqual(await searchedBy(input), []));
});
