import assert from 'node:assert/strict';
import { StepFailure } from '../../domain/failure.ts';
import { endPredecessor, type HostProcess, predecessorsIn } from '../../systems/windows/end-predecessor.ts';
import type { WindowsSession } from '../../systems/windows/windows.ts';

const marks = { hsmAddress: '172.22.1.4', target: 'kylo-luna-hsm-0123456789', certificateName: '172.22.0.5' };
const client = '"C:\\Program Files\\SafeNet\\LunaClient';
const script = (target: string) => `${client}\\lunacm.exe" -f "C:\\ProgramData\\${target}-5f0c.lunacm"`;

describe('What is ended on the Windows host before a later attempt looks', () => {
  const rows: [what: string, process: Omit<HostProcess, 'id'>, connected: boolean, ended: boolean][] = [
    ['an sshd with a connection to the HSM', { name: 'sshd.exe', commandLine: '"sshd.exe" -z' }, true, true],
    ['plink with one, whose command line is not shown', { name: 'plink.exe', commandLine: '' }, true, true],
    ['an sshd without one', { name: 'sshd.exe', commandLine: '"sshd.exe" -z' }, false, false],
    ['lunacm with a script of this target', { name: 'lunacm.exe', commandLine: script(marks.target) }, false, true],
    ['lunacm with a script of another target', { name: 'lunacm.exe', commandLine: script('other-hsm-0123456789') }, false, false],
    ['lunacm that somebody uses', { name: 'lunacm.exe', commandLine: `${client}\\lunacm.exe"` }, false, false],
    ['an editor with that script', { name: 'notepad.exe', commandLine: script(marks.target) }, false, false],
    ['vtl that makes CipherTrust Manager’s certificate', { name: 'vtl.exe', commandLine: `${client}\\vtl.exe" createcert -n 172.22.0.5 -d 3650` }, false, true],
    ['the same without days', { name: 'VTL.exe', commandLine: `${client}\\vtl.exe" createcert -n 172.22.0.5` }, false, true],
    ['vtl that makes another one', { name: 'vtl.exe', commandLine: `${client}\\vtl.exe" createcert -n 172.22.0.50` }, false, false],
    ['vtl that looks', { name: 'vtl.exe', commandLine: `${client}\\vtl.exe" verify` }, false, false],
  ];
  for (const [what, process, isConnected, isEnded] of rows)
    it(`${isEnded ? 'is' : 'is not'} ${what}`, () =>
      assert.equal(predecessorsIn({ processes: [{ id: 8, ...process }], connected: isConnected ? [8] : [] }, marks).length, isEnded ? 1 : 0));
});

describe('What PowerShell lists of the programs on the Windows host', () => {
  const theirs = 'C:\\theirs.exe --password=Their-Secret-1';

  /** PowerShell’s answers, one after the other. */
  const answering = (...answers: { output: string; code: number }[]) =>
    ({ exec: async () => answers.shift() ?? { output: '', code: 0 } }) as unknown as WindowsSession;

  it('is never told, whatever is wrong with it: it holds the command lines of others', async () => {
    const none = { output: '', code: 0 };
    for (const wrong of [
      { output: `${theirs} is no JSON`, code: 0 },
      { output: `["${theirs.replaceAll('\\', '/')}"]`, code: 0 },
      { output: `{"ProcessId":"${theirs.replaceAll('\\', '/')}"}`, code: 0 },
      { output: theirs, code: 1 },
    ]) {
      const error: unknown = await endPredecessor(answering(none, wrong), marks).catch((failure: unknown) => failure);
      assert.ok(error instanceof StepFailure, String(error));
      assert.equal(error.problem.code, 'WINDOWS_PROCESS_LEFT');
      assert.doesNotMatch(JSON.stringify([error.message, error.problem]), /theirs|Their-Secret/, wrong.output);
    }
  });
});
