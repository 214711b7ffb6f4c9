import assert from 'node:assert/strict';
import { recordOf } from '../../activities/record.ts';
import type { EntryName } from '../../stores/record/events.ts';
import { createRecords } from '../../stores/record/record.ts';
import { actOf, runWithFence, type Sending } from '../../systems/fence.ts';
import { LunaClient } from '../../systems/lunacm/luna-client.ts';
import { LunashSession } from '../../systems/lunash/session.ts';
import { Transcript } from '../../systems/lunash/transcript.ts';
import { WindowsSession } from '../../systems/windows/windows.ts';
import { openFence } from '../support/fence.ts';
import { memoryNumberedStore } from '../support/numbered-store.ts';

const job = { target: 'target', runId: 'run-1' };
const attempt = () => ({ order: '1', number: 1, signal: new AbortController().signal });
const records = () => ({ records: createRecords(memoryNumberedStore()) });

/** What the fence hears of entries while something is done. */
async function heard(work: () => Promise<unknown>): Promise<EntryName[]> {
  const names: EntryName[] = [];
  await runWithFence({ ...openFence, entered: (name) => void names.push(name) }, work);
  return names;
}

/** The permits that are asked for: acts that are begun, and in brackets what belongs to one. */
const asking = () => {
  const asked: (string | undefined)[] = [];
  const permit = async (sending?: Sending) => void asked.push(typeof sending === 'object' ? `(${actOf(sending)})` : sending);
  return { asked, permit };
};

describe('An entry in the target record', () => {
  it('is told to the fence with its subject', async () => {
    const record = recordOf(records(), job, attempt(), 'hsm');
    assert.deepEqual(await heard(() => record.append('erase-begun', { act: 'a', approvalId: 'b', digest: 'c' })), ['hsm/erase-begun']);
  });

  it('allows a sign-in where one is tried, and none where it says what came of it', async () => {
    const record = recordOf(records(), job, attempt(), 'hsm');
    assert.deepEqual(await heard(() => record.append('so-sign-in', { outcome: 'tried' })), ['hsm/so-sign-in']);
    assert.deepEqual(await heard(() => record.append('so-sign-in', { outcome: 'accepted' })), []);
    assert.deepEqual(await heard(() => record.append('so-sign-in', { outcome: 'refused' })), []);
  });
});

describe('What is sent in several parts', () => {
  const prompt = '[local_host] lunash:>';

  it('is one act: a LunaSH command and the answers to its questions', async () => {
    const { asked, permit } = asking();
    const prints = [prompt, "Type 'proceed' to continue, or 'quit'\n> ", `'hsm changePolicy' successful.\nCommand Result : 0 (Success)\n${prompt}`];
    let hear: (chunk: Buffer) => void = () => {};
    const print = () => setImmediate(() => hear(Buffer.from(prints.shift() ?? '')));
    const terminal = { on: (event: string, listener: never) => void (event === 'data' && (hear = listener)), write: print, end: () => {} };
    const session = new LunashSession(terminal as never, { permit }, new Transcript(), { quietMs: 5 });
    print();
    await session.start();
    await session.change('hsm changePolicy -policy 12 -value 0', { proceed: true });
    assert.deepEqual(asked, ['lunash-erasing-command', '(lunash-erasing-command)']);
  });

  it('is one act: the script of lunacm, and running it', async () => {
    const { asked, permit } = asking();
    const sftp = {
      open: (...[, , done]: [string, string, (error: undefined, handle: Buffer) => void]) => done(undefined, Buffer.from('h')),
      write: (...args: unknown[]) => (args.at(-1) as (error?: Error) => void)(),
      close: (...args: unknown[]) => (args.at(-1) as (error?: Error) => void)(),
      unlink: (...args: unknown[]) => (args.at(-1) as (error?: Error) => void)(),
    };
    const connection = {
      permit,
      sftp: async () => sftp,
      whileOpen: (_: string, answer: Promise<unknown>) => answer,
      exec: async (_: string, act?: Sending) => {
        await permit(act);
        return { output: '', code: 0 };
      },
    };
    const client = new LunaClient(new WindowsSession(connection as never, 'admin'), new Transcript(), 'target');
    await client.run(['role login -name co -password secret-password'], ['secret-password']);
    assert.deepEqual(
      asked.filter((act) => act !== undefined),
      ['lunacm-script', '(lunacm-script)', '(lunacm-script)'],
    );
  });
});
