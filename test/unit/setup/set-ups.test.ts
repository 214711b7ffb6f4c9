import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { oneAtATime } from '../../../scripts/setup/one-at-a-time.mjs';
import { Child } from '../../../scripts/stack/child.ts';
import { until } from '../../support/until.ts';

describe('Set-ups in one folder', () => {
  let folder: string;
  const children: Child[] = [];
  const url = (name: string) => new URL(`../../../scripts/setup/${name}.mjs`, import.meta.url).href;
  const path = (name: string) => join(folder, name);
  const start = (name: string, script: string): Child => {
    const args = ['--input-type=module', '-e', script];
    const child = new Child({ name, file: process.execPath, args, env: process.env, logFile: path(`${name}.log`) });
    children.push(child);
    return child;
  };
  const there = (name: string) => until(name, async () => existsSync(path(name)) || undefined);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-set-ups-'));
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.kill('SIGKILL')));
    rmSync(folder, { recursive: true });
  });

  /** A set-up whose command says when it is at work, and takes a moment to end when it is told to. */
  const settingUp = (name: string) => {
    const work = `
      const { writeFileSync } = require('node:fs');
      process.on('SIGTERM', () => setTimeout(() => { writeFileSync(${JSON.stringify(path(`${name}.ended`))}, ''); process.exit(1); }, 300));
      writeFileSync(${JSON.stringify(path(`${name}.begun`))}, String(process.pid));
      setInterval(() => {}, 1000);`;
    return start(
      name,
      `const { command } = await import('${url('command')}');
       const { oneAtATime } = await import('${url('one-at-a-time')}');
       await oneAtATime(${JSON.stringify(path('set-up.pid'))}, () => command(process.execPath, ['-e', ${JSON.stringify(work)}]));
       console.log('told of a failure');`,
    );
  };

  it('that are told to end do so after what they run has ended, and tell of no failure', async () => {
    const setUp = settingUp('first');
    await there('first.begun');
    assert.deepEqual(await setUp.kill('SIGINT'), { code: 130, signal: null });
    assert.ok(existsSync(path('first.ended')), 'its command had ended before');
    assert.ok(!existsSync(path('set-up.pid')));
    assert.equal(setUp.lastLines(), '');
  });

  it('wait for each other and say so; one that was killed is not waited for', async () => {
    const first = settingUp('first');
    await there('first.begun');
    const second = settingUp('second');
    await until('the second to say that it waits', async () => /Another set-up \(process \d+\) is at work/.test(second.lastLines()) || undefined);
    assert.ok(!existsSync(path('second.begun')));
    await first.kill('SIGKILL');
    await there('second.begun');
    process.kill(Number(readFileSync(path('first.begun'), 'utf8')), 'SIGKILL');
    await second.kill('SIGINT');
  });

  it('give their turn back when their work fails', async () => {
    const file = path('set-up.pid');
    writeFileSync(file, `${2 ** 22 + 1}`);
    await assert.rejects(
      oneAtATime(file, async () => assert.fail('no room')),
      /no room/,
    );
    assert.ok(!existsSync(file));
  });
});
