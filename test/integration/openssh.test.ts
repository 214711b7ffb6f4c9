import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LunaSteps } from '../support/luna/luna-steps.ts';
import { oldProtocol, openssh } from '../support/openssh.ts';
import { until } from '../support/until.ts';

const present = openssh();

/** The runbook by hand: OpenSSH’s own client against the simulated appliance, with the password asked for as it asks a person. */
describe('OpenSSH’s ssh and scp, with the simulated appliance', function () {
  this.timeout(60_000);
  if ('missing' in present) return void it('are not on this machine, which is said', () => assert.match(present.missing, /openssh-client/));
  let luna: LunaSteps;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-openssh-'));
  });
  afterEach(async () => {
    await luna?.stop();
    rmSync(folder, { recursive: true });
  });

  const run = (tool: 'ssh' | 'scp', args: string[], password: string): ChildProcessWithoutNullStreams => {
    const asked = join(folder, 'askpass');
    writeFileSync(asked, '#!/bin/sh\nprintf "%s\\n" "$HSM_TEST_PASSWORD"\n');
    chmodSync(asked, 0o700);
    const options = [
      '-F',
      'none',
      '-o',
      'StrictHostKeyChecking=accept-new',
      '-o',
      `UserKnownHostsFile=${join(folder, 'known_hosts')}`,
      '-o',
      'NumberOfPasswordPrompts=1',
    ];
    const port = [tool === 'ssh' ? '-p' : '-P', `${luna.world.appliance.ports[22]}`];
    return spawn(tool, [...options, ...port, ...args], {
      env: { ...process.env, SSH_ASKPASS: asked, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':0', HSM_TEST_PASSWORD: password, LC_ALL: 'C' },
      cwd: folder,
    });
  };

  /** Runs to its end: what it said, and its status. */
  const done = async (child: ChildProcessWithoutNullStreams): Promise<{ code: number | null; said: string }> => {
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, said };
  };

  /** A terminal in which each line is typed when its question has come. */
  const talk = async (password: string, turns: [RegExp, string][]): Promise<string> => {
    const child = run('ssh', ['-tt', 'tenantadmin@127.0.0.1'], password);
    let [shown, from] = ['', 0];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (shown += chunk.toString('utf8').replaceAll('\r', '')));
    for (const [question, line] of turns) {
      await until(`${question} after: ${shown.slice(-200)}`, async () => (question.test(shown.slice(from)) ? true : undefined), { everyMs: 10 });
      from = shown.length;
      child.stdin.write(`${line}\r`);
    }
    if (child.exitCode === null) await once(child, 'close');
    return shown;
  };

  const scp = oldProtocol(present.version);
  const prompt = /lunash:>$/;
  const answer = /> $/;

  it('carry the HSM’s half of the runbook out, command by command', async () => {
    luna = await LunaSteps.start();
    const shown = await talk('PASSWORD', [
      [/New password: $/, 'My-Appliance-Pw.1x'],
      [/Retype new password: $/, 'My-Appliance-Pw.1x'],
      [prompt, 'network show'],
      [prompt, 'hsm show'],
      [prompt, 'hsm init -label LunaHSM'],
      [answer, 'My-SO-Pw.1'],
      [answer, 'My-SO-Pw.1'],
      [answer, 'MyDomain'],
      [answer, 'MyDomain'],
      [answer, 'proceed'],
      [prompt, 'hsm login'],
      [answer, 'My-SO-Pw.1'],
      [prompt, 'hsm changePolicy -policy 12 -value 0'],
      [/>$/, 'proceed'],
      [prompt, 'hsm login'],
      [answer, 'My-SO-Pw.1'],
      [prompt, 'partition create -p luna_part -s 10000'],
      [answer, 'proceed'],
      [prompt, 'partition show'],
      [prompt, 'sysconf regenCert'],
      [answer, 'proceed'],
      [prompt, 'ntls bind eth0'],
      [prompt, 'service restart ntls'],
      [prompt, 'exit'],
    ]);
    for (const words of [
      /DO NOT LOSE IT!/,
      /'hsm init' successful/,
      /now set to value: 0/,
      /'partition create' successful/,
      /Partition Name: +luna_part/,
      /Starting ntls:/,
    ])
      assert.match(shown, words);
    assert.ok(!/Error:/.test(shown), shown);

    assert.deepEqual(await done(run('scp', [...scp, '-p', 'tenantadmin@127.0.0.1:server.pem', '.'], 'My-Appliance-Pw.1x')), { code: 0, said: '' });
    const { state } = luna.world.appliance;
    assert.equal(readFileSync(join(folder, 'server.pem'), 'utf8'), state.server.certificatePem);

    writeFileSync(join(folder, '172.22.0.5.pem'), state.server.certificatePem);
    assert.equal((await done(run('scp', [...scp, '172.22.0.5.pem', 'tenantadmin@127.0.0.1:'], 'My-Appliance-Pw.1x'))).code, 0);
    assert.equal(state.files['172.22.0.5.pem'], state.server.certificatePem);

    const { code, said } = await done(run('ssh', ['tenantadmin@127.0.0.1', 'client list'], 'My-Appliance-Pw.1x'));
    assert.deepEqual([code, /No clients are registered\.[\s\S]*Command Result : 0 \(Success\)/.test(said)], [0, true], said);

    // The commands of a file, without a terminal: no prompts, every result.
    const piped = run('ssh', ['-T', 'tenantadmin@127.0.0.1'], 'My-Appliance-Pw.1x');
    piped.stdin.end('client register -client box -ip 172.22.0.5\nclient assignPartition -client box -partition luna_part\nclient show -client box\n');
    const results = (await done(piped)).said;
    assert.ok(!results.includes('lunash:>'));
    assert.match(results, /certificate was not made for 172\.22\.0\.5[\s\S]*65535[\s\S]*Specified client does not exist/);
  });

  it('are told what is not there, and that there is no SFTP', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    const missing = await done(run('scp', [...scp, 'tenantadmin@127.0.0.1:none.pem', '.'], luna.kept('appliance-password')));
    assert.equal(missing.code, 1);
    assert.match(missing.said, /none\.pem: No such file/);
    if (scp.length > 0)
      assert.match((await done(run('scp', ['-s', 'tenantadmin@127.0.0.1:server.pem', '.'], luna.kept('appliance-password')))).said, /subsystem request failed/);
    assert.equal((await done(run('ssh', ['tenantadmin@127.0.0.1', 'hsm show'], 'wrong'))).code, 255);
  });

  it('sign in by questions, too, where the appliance asks that way, with the ciphers of 7.8; a command without a shell need not tell its result', async () => {
    luna = await LunaSteps.start({
      variants: { 'luna.signIn': 'keyboard-interactive', 'luna.algorithms': '7.8', 'luna.words': '7.8', 'luna.execResult': 'no' },
    });
    luna.setUpHsm();
    const { code, said } = await done(run('ssh', ['tenantadmin@127.0.0.1', 'hsm show'], luna.kept('appliance-password')));
    assert.equal(code, 0, said);
    assert.match(said, /Software Version: +7\.8\.5-20/);
    assert.ok(!/Command Result/.test(said), said);
  });
});
