import assert from 'node:assert/strict';
import { StepFailure } from '../../domain/failure.ts';
import type { TargetRecord } from '../../stores/record/record.ts';
import { LunaClient } from '../../systems/lunacm/luna-client.ts';
import { parseContents, parseRoleShow, parseShowInfo, parseSlots, splitCommands, succeeded } from '../../systems/lunacm/parse.ts';
import { parsePartitionRole, together } from '../../systems/lunash/partition-show.ts';
import { deleteOurClient, parseMapping } from '../../systems/lunash/registration.ts';
import type { LunashSession } from '../../systems/lunash/session.ts';
import { Transcript } from '../../systems/lunash/transcript.ts';
import type { WindowsSession } from '../../systems/windows/windows.ts';

const slotBlock = (slot: number, serial: string) => `  Slot Id ->              ${slot}\n  Label ->                \n  Serial Number ->        ${serial}\n`;
const ok = 'Command Result : No Error\n';
const info = (serial: string) => `Partition Serial Number ->     ${serial}\n${ok}`;

/** A Windows host on which lunacm prints one text after the other; what is written to it and run on it is kept. */
function hostWith(prints: string[], files: Record<string, string> = {}) {
  const scripts: string[] = [];
  const session = {
    list: async () => [],
    read: async (path: string) => files[path],
    write: async (path: string, text: string) => void (path.endsWith('.lunacm') ? scripts.push(text) : (files[path] = text)),
    writePrivately: async (_: string, text: string) => void scripts.push(text),
    exec: async () => ({ output: prints.shift() ?? '', code: 0 }),
    remove: async (path: string) => delete files[path],
  } as unknown as WindowsSession;
  const transcript = new Transcript();
  return { client: new LunaClient(session, transcript, 'target', 1_000), session, scripts, transcript, files };
}

const failure = (kind: string, remedy: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StepFailure, String(error));
  assert.equal(error.problem.kind, kind);
  assert.match(error.problem.remedy, remedy);
  return true;
};

const wanted = { name: '172.22.0.5', days: 30 };

describe('lunacm', () => {
  it('that reached another partition than it looked for is an incident which says so, without the password', async () => {
    const { client, scripts } = hostWith([`${slotBlock(0, '111')}${ok}`, `${ok}${info('222')}${ok}`]);
    await assert.rejects(client.on('111', ['role login -name co -password secret-password'], ['secret-password']), (error: Error) => {
      assert.match(error.message, /slot 0 was the partition 111 a moment before, and then 222/);
      assert.match(error.message, /role login -name co -password \*{8}.*Nothing was typed/s);
      return true;
    });
    assert.ok(!scripts.join().includes('secret-password'), 'it learnt that before the password was typed');
  });

  it('types no secret after a look that objects', async () => {
    const { client, scripts } = hostWith([`${slotBlock(0, '111')}${ok}`, `${ok}Partition Label -> theirs\n${info('111')}`]);
    const atLast = async ({ label }: { label: string }) => assert.notEqual(label, 'theirs');
    await assert.rejects(client.on('111', ['partition init -password secret-password'], ['secret-password'], atLast), assert.AssertionError);
    assert.ok(!scripts.join().includes('secret-password'));
  });

  it('types no secret where the slot became another partition’s during the last look', async () => {
    const slot = `${slotBlock(0, '111')}${ok}`;
    const { client, scripts } = hostWith([slot, `${ok}${info('111')}`, `${ok}${info('222')}`]);
    await assert.rejects(
      client.on('111', ['partition init -password secret-password'], ['secret-password'], async () => {}),
      /slot 0 was the partition 111 a moment before, and then 222.*Nothing was typed/s,
    );
    assert.ok(!scripts.join().includes('secret-password'));
  });

  it('that refuses a password is Unsafe and asks not to retry, whatever was to be done with it', () => {
    const { client } = hostWith([]);
    for (const result of ['0xa0 (CKR_PIN_INCORRECT)', '0xa4 (CKR_PIN_LOCKED)', '0xa3 (CKR_PIN_EXPIRED)'])
      assert.throws(() => client.mustHaveSucceeded([{ command: 'role init', text: '', result }], []), failure('Unsafe', /Do not retry before you know why/));
    assert.throws(() => client.mustHaveSucceeded([{ command: 'role init', text: '', result: '0x30 (CKR_DEVICE_ERROR)' }], []), failure('Refused', /retry/));
  });

  it('tells both roles at once, and of none where one command printed no result: it would be read from the other’s', async () => {
    const [po, co] = ['Password, attempts before lockout: 9', 'Password, attempts before lockout: 3'];
    const roles = (shown: string) => hostWith([`${slotBlock(0, '111')}${ok}`, `${ok}${info('111')}${info('111')}${shown}`]).client.roles('111');
    const { po: officer, co: crypto } = await roles(`${po}\n${ok}${co}\n${ok}`);
    assert.deepEqual([officer?.attemptsLeft, crypto?.attemptsLeft], [9, 3]);
    const torn = await roles(`The role is not there.\n${co}\n${ok}`);
    assert.deepEqual([torn.po, torn.co], [undefined, undefined]);
    const unknown = await roles(`Unknown command\nCommand Result : 0x1 (Error)\nUnknown command\nCommand Result : 0x1 (Error)\n`);
    assert.deepEqual([unknown.info?.serial, unknown.po, unknown.co], ['111', undefined, undefined]);
  });

  it('writes a script with a secret in it into a file that is closed to others first, and one without as it is', async () => {
    const { client, session } = hostWith([ok, ok]);
    const ways: string[] = [];
    session.write = async () => void ways.push('open');
    session.writePrivately = async () => void ways.push('closed');
    await client.run(['slot list']);
    await client.run(['role login -name co -password secret-password'], ['secret-password']);
    assert.deepEqual(ways, ['open', 'closed']);
  });

  it('whose script stays for a moment, as while a virus scanner reads it, has still answered', async () => {
    const { client, session } = hostWith(['Command Result : 0xa0 (CKR_PIN_INCORRECT)\n']);
    const removals = [false, false, true];
    session.remove = async () => removals.shift()!;
    const [login] = await client.run(['role login -name co -password secret-password'], ['secret-password']);
    assert.equal(login?.result, '0xa0 (CKR_PIN_INCORRECT)');
    assert.deepEqual(removals, []);
  });

  it('whose script stays has still answered, and nothing more is typed until it is gone', async () => {
    const { client, session } = hostWith([ok]);
    const written: string[] = [];
    session.write = async (path) => void written.push(path.split('\\').at(-1)!);
    session.list = async () => written;
    session.remove = async () => false;
    assert.equal((await client.run(['partition contents']))[0]?.result, 'No Error');
    await assert.rejects(client.tidy(), /cannot be removed yet/);
  });

  it('that answered before the connection was lost has answered', async () => {
    const { client, session } = hostWith([ok]);
    session.remove = async () => Promise.reject(new Error('the connection was closed'));
    assert.equal((await client.run(['partition contents']))[0]?.result, 'No Error');
  });

  it('whose slot cannot be set is not believed', async () => {
    const { client } = hostWith([`${slotBlock(0, '111')}${ok}`, `Command Result : 0x3 (CKR_SLOT_ID_INVALID)\n${info('111')}${ok}`]);
    await assert.rejects(client.on('111', ['partition contents']), /slot 0 was the partition 111/);
  });

  it('is asked twice for the slot where there are others, and once where there are none', async () => {
    const alone = hostWith([`${slotBlock(0, '111')}${ok}`, `${ok}${info('111')}${ok}`]);
    await alone.client.on('111', ['partition contents']);
    assert.equal(alone.scripts.length, 2);
    const two = `${slotBlock(0, '222')}${slotBlock(3, '111')}${ok}`;
    const among = hostWith([two, two, `${ok}${info('111')}${ok}`]);
    await among.client.on('111', ['partition contents']);
    assert.deepEqual([among.scripts.length, among.scripts[2]], [3, 'slot set -slot 3\r\npartition showinfo\r\npartition contents\r\nexit\r\n']);
  });

  it('enters each vtl in the target record before it is started, the second one for a client that knows no days, too', async () => {
    const configuration = 'C:\\Program Files\\SafeNet\\LunaClient\\crystoki.ini';
    const { client, session } = hostWith([], { [configuration]: 'as it was' });
    const order: string[] = [];
    session.exec = async (command) => {
      order.push(command.replace(/^.*createcert/, 'createcert'));
      return { output: 'Error: unknown option -d\n', code: 1 };
    };
    const enter = async () => void order.push('entry');
    await assert.rejects(client.createCertificate(wanted, 'own', enter), /unknown option/);
    assert.deepEqual(order, ['entry', 'createcert -n 172.22.0.5 -d 30', 'entry', 'createcert -n 172.22.0.5']);
  });

  it('is not made another certificate while its configuration cannot be read', async () => {
    const { client, files } = hostWith([]);
    await assert.rejects(
      client.createCertificate(wanted, 'own', async () => {}),
      /crystoki\.ini.*it cannot be read/,
    );
    assert.deepEqual(files, {});
  });

  it('that makes no certificate says what vtl printed, and the configuration is as before', async () => {
    const configuration = 'C:\\Program Files\\SafeNet\\LunaClient\\crystoki.ini';
    const { client, files } = hostWith(['Error: no room left\n'], { [configuration]: 'as it was' });
    await assert.rejects(
      client.createCertificate(wanted, 'own', async () => {}),
      /Error: no room left/,
    );
    assert.deepEqual(files, { [configuration]: 'as it was' });
  });
});

describe('A certificate on the Windows host that was cut off while it was written', () => {
  const path = 'C:\\Program Files\\SafeNet\\LunaClient\\cert\\client\\172.22.0.5.pem';
  for (const left of ['', '-----BEGIN CERTI'])
    it(`is none, and is written over: ${JSON.stringify(left)}`, async () => {
      const { client, session, files } = hostWith([], { [path]: left });
      session.list = async () => ['172.22.0.5.pem'];
      assert.deepEqual(await client.certificates('172.22.0.5', 'own'), []);
      await client.writeCertificate('172.22.0.5', 'a whole one', 'own');
      assert.deepEqual(files, { [path]: 'a whole one' });
    });
});

describe('What lunacm prints', () => {
  it('is told apart by result lines, however they are spaced, with none for a command that was not reached', () => {
    const outputs = splitCommands('one\r\nCommand Result :No Error\r\ntwo\r\ncommand result: 0xa0 (CKR_PIN_INCORRECT)\r\n', ['a', 'b', 'c']);
    assert.deepEqual(
      outputs.map(({ command, result }) => [command, result]),
      [
        ['a', 'No Error'],
        ['b', '0xa0 (CKR_PIN_INCORRECT)'],
        ['c', undefined],
      ],
    );
    assert.deepEqual(outputs.map(succeeded), [true, false, false]);
  });

  it('lists slots by number and serial; a slot without a token has none', () => {
    const text = `Slot Id -> 0\nLabel -> [your partition name]\nSerial Number -> 12345678987654321\n\nSlot Id -> 4\nHSM Status -> N/A\n\nSlot Id ->  5\nLabel ->\nSerial Number ->  7\n`;
    assert.deepEqual(parseSlots(text), [
      { slot: 0, label: '[your partition name]', serial: '12345678987654321' },
      { slot: 5, label: '', serial: '7' },
    ]);
  });

  it('tells of a partition by its flags', () => {
    assert.equal(parseShowInfo('nothing of the kind'), undefined);
    const noFlags = { label: '', serial: '111', initialized: undefined, cryptoOfficer: undefined, mustChange: undefined };
    assert.deepEqual(parseShowInfo('Partition Serial Number: 111\n'), noFlags, 'where no flag is told, nothing is known');
    const shown = 'Partition Label -> luna_part\nPartition Serial Number: 111\nCKF_TOKEN_INITIALIZED\nCKF_USER_PIN_INITIALIZED\nCKF_USER_PIN_TO_BE_CHANGED\n';
    assert.deepEqual(parseShowInfo(shown), { label: 'luna_part', serial: '111', initialized: true, cryptoOfficer: true, mustChange: true });
    assert.deepEqual(parseContents('Object Label:  a key\n'), ['a key']);
  });

  const roles: [text: string, role: ReturnType<typeof parseRoleShow>][] = [
    [
      'Primary authentication type: Password\nFailed login attempts before lockout: 10\nChange password on next login: Yes',
      { initialized: true, attemptsLeft: 10, mustChange: true },
    ],
    ['Primary authentication type: Not initialized', { initialized: false, attemptsLeft: undefined, mustChange: undefined }],
    ['something else', { initialized: undefined, attemptsLeft: undefined, mustChange: undefined }],
  ];
  for (const [text, role] of roles) it(`tells of a role: ${text.split('\n')[0]}`, () => assert.deepEqual(parseRoleShow(text), role));
});

describe('What LunaSH tells of roles and mappings', () => {
  const shown = `   Partition SO Zeroized:  no
   Partition SO Login Attempts Left:   9 before Partition SO is Zeroized
   Crypto Officer Locked Out:          yes
   crypto officer PIN To Be Changed:   no
   Crypto User is not initialized.`;
  it('is read by its meaning', () => {
    assert.deepEqual(parsePartitionRole(shown, 'Partition SO'), { initialized: true, attemptsLeft: 9, mustChange: undefined });
    assert.deepEqual(parsePartitionRole(shown, 'Crypto Officer'), { initialized: true, attemptsLeft: 0, mustChange: false });
    assert.deepEqual(parsePartitionRole('Crypto Officer is not initialized.', 'Crypto Officer').initialized, false);
    assert.deepEqual(parsePartitionRole('', 'Crypto Officer'), { initialized: undefined, attemptsLeft: undefined, mustChange: undefined });
  });

  it('is put together with what lunacm tells, the more careful first', () => {
    const one = { initialized: true, attemptsLeft: 10, mustChange: undefined };
    assert.deepEqual(together(one, { initialized: undefined, attemptsLeft: 4, mustChange: true }), { initialized: true, attemptsLeft: 4, mustChange: true });
    assert.deepEqual(together(undefined, undefined), { initialized: undefined, attemptsLeft: undefined, mustChange: undefined });
    assert.equal(together(one, { ...one, mustChange: false }).mustChange, false);
  });

  it('names the address that a client is mapped to', () => {
    const mappings = '\n   cm   172.22.0.5\n   cm-2: <none>\n';
    assert.deepEqual([parseMapping(mappings, 'cm'), parseMapping(mappings, 'cm-2'), parseMapping(mappings, 'other')], ['172.22.0.5', 'none', undefined]);
  });

  it('that shows a stranger in the very session that would delete it stops the deletion', async () => {
    const changed: string[] = [];
    const answers: Record<string, string> = {
      'client list': 'registered client 1: cm',
      'client show -client cm': 'ClientID: cm\nIPAddress: 172.22.0.5\nPartitions: <none>',
      'client fingerprint -client cm': `Certificate fingerprint: ${Array(32).fill('AB').join(':')}`,
    };
    const session = { read: async (command: string) => answers[command], change: async (command: string) => changed.push(command) } as unknown as LunashSession;
    await assert.rejects(deleteOurClient(session, 'cm', [], {} as TargetRecord<'hsm'>), /not registered with a certificate that was made here/);
    answers['client list'] = 'No clients are registered.';
    await deleteOurClient(session, 'cm', [], {} as TargetRecord<'hsm'>);
    assert.deepEqual(changed, []);
  });
});
