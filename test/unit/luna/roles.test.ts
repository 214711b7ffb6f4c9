import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StepFailure } from '../../../domain/failure.ts';
import { suppressedBy } from '../../../domain/first-error.ts';
import type { Job } from '../../../domain/results.ts';
import { folderTranscripts } from '../../../stores/reports/transcripts.ts';
import type { LunaClient } from '../../../systems/lunacm/luna-client.ts';
import { mayTry, RoleLog } from '../../../systems/lunacm/role-log.ts';
import { mustSignIn, readContents, signIn } from '../../../systems/lunacm/roles.ts';

const serial = '1234567890123';
const job = { target: 'target', runId: 'run-1' } as Job;
const refused = '0xa0 (CKR_PIN_INCORRECT)';
const noError = 'No Error';

/** lunacm that tells nothing of roles but that the crypto officer is there; each sign-in gets the next result, the last one stays, and none means that it never ends. */
function clientWith(...results: (string | undefined)[]) {
  const shown: string[] = [];
  const client = {
    info: async () => ({ serial, label: 'luna_part', initialised: true, cryptoOfficer: true }),
    role: async () => undefined,
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
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hsm-roles-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  let runs = 0;
  /** A log of a run of its own, each time as another worker opens it. */
  const newRun = () => {
    const run = { ...job, runId: `run-${++runs}` };
    return () => new RoleLog(folderTranscripts(folder), run);
  };
  const who = { serial, password: 'Co-Password.1' };
  const unsafe = (seen: RegExp, remedy: RegExp) => (error: unknown) => {
    assert.ok(error instanceof StepFailure, String(error));
    assert.equal(error.problem.kind, 'Unsafe');
    assert.match(error.problem.seen, seen);
    assert.match(error.problem.remedy, remedy);
    return true;
  };

  it('opens the partition for a look at what is in it', async () => {
    assert.deepEqual(await readContents(clientWith(noError).client, newRun()(), who, ''), ['a key']);
  });

  it('stays refused for a person where that cannot be recorded: nobody would remember it', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', errno: -28, syscall: 'write' });
    let room = 2;
    const transcripts = folderTranscripts(folder);
    const filling = {
      ...transcripts,
      append: (...what: Parameters<typeof transcripts.append>) => (--room > 0 ? transcripts.append(...what) : Promise.reject(full)),
    };
    const log = new RoleLog(filling, { ...job, runId: 'full' });
    const { client, shown } = clientWith(refused);
    await assert.rejects(mustSignIn(client, log, { ...who, role: 'co' }), (error) => {
      assert.deepEqual(suppressedBy(error), [full]);
      return unsafe(/the kept password is refused/, /Do not retry/)(error);
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
      await assert.rejects(readContents(client, log(), who, ''), unsafe(/^nothing tells .* 2 sign-ins 2 were refused/, /^Nothing was tried/));
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
    assert.deepEqual(await log().spent('co'), { begun: 0, refused: 0 });
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
    await log().initialises('co');
    const first = { ...who, serial, role: 'co', first: true } as const;
    await mustSignIn(clientWith(noError).client, log(), first);
    assert.ok(await log().isNew('co'), 'it was taken, and is not known to have been changed');
    await assert.rejects(mustSignIn(clientWith(refused).client, log(), first), unsafe(/^the first password is refused$/, /^Do not retry/));
    assert.ok(!(await log().isNew('co')));
  });

  it('whose sign-in ends in an unknown way is a question for a person, and counts', async () => {
    const log = newRun();
    await assert.rejects(signIn(clientWith('0x6 (CKR_FUNCTION_FAILED)').client, log(), { ...who, role: 'co' }), unsafe(/FUNCTION_FAILED/, /does not say/));
    assert.deepEqual(
      [await log().spent('co'), await log().spent('po')],
      [
        { begun: 1, refused: 0 },
        { begun: 0, refused: 0 },
      ],
    );
  });

  it('is tried with five attempts left, and with an unknown number while little was spent', () => {
    assert.ok(mayTry({ attemptsLeft: 5 }, { begun: 9, refused: 9 }) && !mayTry({ attemptsLeft: 4 }, { begun: 0, refused: 0 }));
    assert.ok(mayTry({ attemptsLeft: undefined }, { begun: 3, refused: 1 }) && !mayTry({ attemptsLeft: undefined }, { begun: 2, refused: 2 }));
  });
});
