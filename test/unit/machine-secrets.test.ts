import assert from 'node:assert/strict';
import type { Attempt } from '../../activities/converge.ts';
import { enterWindowsSecrets, vmIdOf } from '../../activities/machine-record.ts';
import { enterManagerSecrets } from '../../activities/manager.ts';
import type { Systems } from '../../activities/systems.ts';
import { StepFailure } from '../../domain/failure.ts';
import type { EntryName } from '../../stores/record/events.ts';
import { createRecords } from '../../stores/record/record.ts';
import { runWithFence } from '../../systems/fence.ts';
import { exampleRequest } from '../support/example.ts';
import { openFence } from '../support/fence.ts';
import { memoryNumberedStore } from '../support/numbered-store.ts';
import { azureWithMachines } from '../support/own-machines.ts';

const request = exampleRequest();
const input = { target: 'kylo-1', runId: 'run-1', request };

/** Both kinds of machines; each call is an attempt of its own. */
const machines = {
  windows: { name: request.lunaClient.vmName, give: enterWindowsSecrets },
  ciphertrust: { name: request.cipherTrust.vmName, give: enterManagerSecrets },
} as const;

for (const [subject, { name, give }] of Object.entries(machines) as ['windows' | 'ciphertrust', (typeof machines)['windows']][])
  describe(`A secret for the ${subject} machine`, () => {
    const resourceId = vmIdOf(request, name);
    let store: Map<string, string>;
    let vmId: string;
    let heard: EntryName[];
    beforeEach(() => {
      store = new Map();
      vmId = 'vm-1';
      heard = [];
    });

    const records = () => createRecords(memoryNumberedStore(store));
    const record = () => records().of(input.target, subject, { jobId: input.target, runId: 'run-1', execution: 'test', attempt: 1, retry: 1 });
    const entered = async () =>
      (await record().read()).map(({ event, data }) => [event, 'purpose' in data ? data.purpose : undefined, 'vmId' in data ? data.vmId : undefined]);
    const given = (...purposes: string[]) => {
      const attempt = { step: 'ntp', order: '1', number: 1, signal: new AbortController().signal } as Attempt;
      const systems = { records: records(), azure: azureWithMachines(() => vmId) } as unknown as Systems;
      const fence = {
        ...openFence,
        entered: (entry: EntryName) => void heard.push(entry),
      };
      return runWithFence(fence, () => give({ systems, input, attempt }, ...purposes));
    };

    it('is entered once a machine, under its vmId, and is on record at each further time', async () => {
      await given('a', 'b');
      assert.ok(heard.includes(`${subject}/secret-given`));
      heard = [];
      await given('b');
      assert.deepEqual(heard, [`${subject}/secret-given`], 'what needs the entry gets its permit');
      await given('b', 'c');
      assert.deepEqual(await entered(), [
        ['machine-created', undefined, 'vm-1'],
        ['secret-given', 'a', 'vm-1'],
        ['secret-given', 'b', 'vm-1'],
        ['secret-given', 'c', 'vm-1'],
      ]);
    });

    it('is not given to a machine that replaced the one on record, though that one had it', async () => {
      await given('a');
      vmId = 'vm-2';
      await assert.rejects(given('a'), (error: unknown) => error instanceof StepFailure && error.problem.code === 'AZURE_MACHINE_REPLACED');
      assert.equal((await entered()).length, 2);
    });

    it('is entered again for the machine that this service created in place of one that had it', async () => {
      await given('a');
      const own = record();
      await own.read();
      await own.append('machine-create-begun', { resourceId, absent: true, tag: 't' });
      await own.append('machine-created', { resourceId, vmId: 'vm-2' });
      vmId = 'vm-2';
      await given('a');
      assert.deepEqual((await entered()).at(-1), ['secret-given', 'a', 'vm-2']);
    });

    it('counts as given by no entry that does not say to which machine', async () => {
      const own = record();
      await own.append('machine-created', { resourceId, vmId: 'vm-1' });
      await own.append('secret-given', { machine: resourceId, purpose: 'a' });
      await given('a');
      assert.deepEqual((await entered()).at(-1), ['secret-given', 'a', 'vm-1']);
    });
  });
