import assert from 'node:assert/strict';
import { StepFailure, wordsOf } from '../../../domain/failure.ts';
import { suppressedBy } from '../../../domain/first-error.ts';
import type { StepContext } from '../../../domain/results.ts';
import { holdsFirstPassword } from '../../../stores/record/memory.ts';
import { createRecords } from '../../../stores/record/record.ts';
import type { LunaClient } from '../../../systems/lunacm/luna-client.ts';
import { mayTry, RoleLog } from '../../../systems/lunacm/role-log.ts';
import { mustSignIn, readContents, signIn } from '../../../systems/lunacm/roles.ts';
import { memoryNumberedStore } from '../../support/numbered-store.ts';

const serial = '1234567890123';
const job = { target: 'target', runId: 'run-1' } as StepContext;
const refused = '0xa0 (CKR_PIN_INCORRECT)';
const noError = 'No Error';

/** lunacm that tells nothing of roles but that the crypto officer is there; each sign-in gets the next result, the last one stays, and none means that it never ends. */
function clientWith(...results: (string | undefined)[]) {
  const shown: string[] = [];
  const client = {
    roles: async () => ({ info: { serial, label: 'luna_part', initialized: true, cryptoOfficer: true }, po: undefined, co: undefined }),
    mustHaveSucceeded: () => {},
    on: async (_: string, commands: string[], __: string[], atLast: () => Promise<void>) => {
      await atLast();
      shown.push(commands[0]!);
      const result = results.length > 1 ? results.shift() : results[0];
      if (result === undefined) throw new Error('the connection was closed');
      return commands.map((command, at) => ({ command, result: at === 0 ? result : noError, text: at === 1 ? 'Label:  a key\n' : '' }));
    },
  } as unknown as LunaClient;
  return { client, shown };
}

describe('The crypto officer’s kept password', () => {
  /** The log of a run of its own, each time as another worker opens it. */
  const newRun = (store = memoryNumberedStore(), runId = 'run-1') => {
    const records = createRecords(store);
    const writer = { jobId: job.target, runId, execution: 'step', attempt: 1, retry: 1 };
    return () => new RoleLog(records.of(job.target, 'hsm', writer), serial, { runId });
  };
  /** One that has read what is there. */
  const opened = async (log: RoleLog) => {
    await log.read();
    return log;
  };
  const spent = async (log: RoleLog, role: 'po' | 'co') => log.spent(await log.read(), role);
  const who = { serial, password: 'Co-Password.1' };
  const unsafe = (seen: RegExp, remedy: RegExp) => (error: unknown) => {
    assert.ok(error instanceof StepFailure, String(error));
    assert.equal(error.problem.kind, 'Unsafe');
    assert.match(wordsOf(error.problem), seen);
    assert.match(error.problem.remedy, remedy);
    return true;
  };

  it('opens the partition for a look at what is in it', async () => {
    assert.deepEqual(await readContents(clientWith(noError).client, newRun()(), who, ''), ['a key']);
  });

  it('stays refused for a person where that cannot be recorded: nobody would remember it', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', errno: -28, syscall: 'write' });
    const store = memoryNumberedStore();
    let room = 2;
    const filling = { ...store, create: (...what: Parameters<typeof store.create>) => (--room > 0 ? store.create(...what) : Promise.reject(full)) };
    const log = newRun(filling)();
    const { client, shown } = clientWith(refused);
    await assert.rejects(mustSignIn(client, log, { ...who, role: 'co' }), (error) => {
      assert.deepEqual(suppressedBy(error), [full]);
      return unsafe(/the stored password is refused/, /Do not retry/)(error);
    });
    assert.equal(shown.length, 1);
  });

  it('is not shown a third time after two refusals, whoever ordered the retry, where nothing tells how many attempts are left', async () => {
    const log = newRun();
    const { client, shown } = clientWith(refused);
    for (let order = 1; order <= 2; order++)
      await assert.rejects(
        readContents(client, log(), who, ''),
        unsafe(/refused/, /^Do not retry: each retry uses an attempt.*where nothing tells how many attempts are left, abort and send the request again/),
      );
    for (let order = 3; order <= 5; order++)
      await assert.rejects(
        readContents(client, log(), who, ''),
        unsafe(/^nothing tells .* 2 sign-ins 2 were refused/, /^Nothing was tried.*abort, and send the request again/),
      );
    assert.equal(shown.length, 2);
  });

  it('is not shown for ever where the connection is lost each time', async () => {
    const log = newRun();
    const { client, shown } = clientWith(undefined);
    for (let attempt = 1; attempt <= 4; attempt++) await assert.rejects(readContents(client, log(), who, ''), /connection was closed/);
    await assert.rejects(readContents(client, log(), who, ''), unsafe(/4 sign-ins 0 were refused/, /^Nothing was tried/));
    assert.equal(shown.length, 4);
  });

  it('that is taken makes good for what was refused before', async () => {
    const log = newRun();
    const { client } = clientWith(refused, noError, refused, noError);
    for (const good of [false, true, false, true])
      await readContents(client, log(), who, '').then(
        () => assert.ok(good),
        () => assert.ok(!good),
      );
    assert.deepEqual(await spent(log(), 'co'), { tried: 0, refused: 0, triedByJob: 0 });
  });

  const told: [what: string, shown: string, seen: RegExp][] = [
    ['four attempts are left', 'Crypto Officer Login Attempts Left: 4 before', /^only 4 attempts of co are left$/],
    ['it is locked out', 'Crypto Officer Locked Out: yes', /^co is locked out$/],
    ['its first password holds again', 'Crypto Officer PIN To Be Changed: yes', /first password again/],
  ];
  for (const [what, lines, seen] of told)
    it(`is not shown where LunaSH tells that ${what}`, async () => {
      const { client, shown } = clientWith(noError);
      await assert.rejects(readContents(client, newRun()(), who, lines), unsafe(seen, /^Nothing was tried/));
      assert.deepEqual(shown, []);
    });

  it('is shown as long as enough attempts are known to be left, and each refusal is told', async () => {
    const log = newRun();
    const { client, shown } = clientWith(refused);
    for (let order = 1; order <= 3; order++)
      await assert.rejects(readContents(client, log(), who, 'Crypto Officer Login Attempts Left: 9 before'), unsafe(/refused/, /^Do not retry/));
    assert.equal(shown.length, 3);
  });

  it('is not blamed where the first one was refused, which then is not tried after it again', async () => {
    const log = newRun();
    await (await opened(log())).initializes('co');
    const isNew = async () => holdsFirstPassword(await log().read(), 'co', serial);
    const first = { ...who, serial, role: 'co', first: true } as const;
    await mustSignIn(clientWith(noError).client, await opened(log()), first);
    assert.ok(await isNew(), 'it was taken, and is not known to have been changed');
    await assert.rejects(mustSignIn(clientWith(refused).client, await opened(log()), first), unsafe(/^the first password is refused$/, /^Do not retry/));
    assert.ok(!(await isNew()));
  });

  it('whose sign-in ends in an unknown way is a question for a person, and counts', async () => {
    const log = newRun();
    await assert.rejects(
      signIn(clientWith('0x6 (CKR_FUNCTION_FAILED)').client, log(), { ...who, role: 'co' }),
      unsafe(/FUNCTION_FAILED/, /Nothing else was tried/),
    );
    assert.deepEqual(
      [await spent(log(), 'co'), await spent(log(), 'po')],
      [
        { tried: 1, refused: 0, triedByJob: 1 },
        { tried: 0, refused: 0, triedByJob: 0 },
      ],
    );
  });

  it('is tried once by each later job where nothing tells how many attempts are left, until half of them may be used up', async () => {
    const store = memoryNumberedStore();
    const { client, shown } = clientWith(refused);
    for (let run = 1; run <= 7; run++)
      for (let order = 1; order <= 3; order++) await assert.rejects(readContents(client, newRun(store, `run-${run}`)(), who, ''));
    assert.equal(shown.length, 5, 'two by the first job, one by each of the next three');
  });

  it('of another partition is counted apart', async () => {
    const store = memoryNumberedStore();
    const { client } = clientWith(refused);
    for (let order = 1; order <= 2; order++) await assert.rejects(readContents(client, newRun(store)(), who, ''));
    const record = createRecords(store).of(job.target, 'hsm', { jobId: job.target, runId: 'run-1', execution: 'step', attempt: 1, retry: 1 });
    const other = new RoleLog(record, '2', { runId: 'run-1' });
    assert.deepEqual(await spent(other, 'co'), { tried: 0, refused: 0, triedByJob: 0 });
  });

  it('is tried with five attempts left, and with an unknown number while little was spent', () => {
    const spent = (tried: number, refused: number, triedByJob = tried) => ({ tried, refused, triedByJob });
    assert.ok(mayTry({ attemptsLeft: 5 }, spent(9, 9)) && !mayTry({ attemptsLeft: 4 }, spent(0, 0)));
    assert.ok(mayTry({ attemptsLeft: undefined }, spent(3, 1)) && !mayTry({ attemptsLeft: undefined }, spent(2, 2)));
    assert.ok(mayTry({ attemptsLeft: undefined }, spent(4, 4, 0)) && !mayTry({ attemptsLeft: undefined }, spent(5, 5, 0)));
  });
});
