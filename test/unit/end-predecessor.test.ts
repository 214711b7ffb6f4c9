import assert from 'node:assert/strict';
import { type HostProcess, predecessorsIn } from '../../systems/windows/end-predecessor.ts';

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
