import assert from 'node:assert/strict';
import { type Problem, wordsOf } from '../../../domain/failure.ts';
import { Luna } from '../../../systems/lunash/luna.ts';
import { readHsm } from '../../../systems/lunash/read-hsm.ts';
import type { LunashSession } from '../../../systems/lunash/session.ts';
import { exampleRequest } from '../../support/example.ts';

describe('A look at the HSM', () => {
  const looked = (shown: Record<string, string>) =>
    readHsm({ read: async (command: string) => shown[command]! } as unknown as LunashSession).then(
      () => assert.fail('it was believed'),
      (error: { problem: Problem }) => error.problem,
    );
  const hsmShow = `Serial #: 1\nHSM Label: x\nHSM Admin login attempts left: 3 before HSM zeroization!\nThe HSM is NOT in FIPS 140-2 approved operation mode.
    Space In Use (Bytes): 0\nPartition: 1234567890123, Name: luna_part\n`;

  it('that cannot be read is Unsafe', async () => {
    const { kind, summary: seen } = await looked({ 'hsm show': 'Serial #: 1\n' });
    assert.deepEqual([kind, seen], ['Unsafe', 'its output could not be understood']);
  });

  it('that contradicts itself is Unsafe', async () => {
    const { kind, summary: seen } = await looked({ 'hsm show': hsmShow, 'partition list': 'There are no partitions.' });
    assert.deepEqual([kind, seen], ['Unsafe', 'it does not show luna_part, which hsm show does']);
  });
});

describe('The SO’s password', () => {
  const hsmShow = (label: string, attempts: string) =>
    `Serial #: 1\nHSM Label: ${label}\nHSM Admin login attempts left: ${attempts}\nThe HSM is NOT in FIPS 140-2 approved operation mode.\nSpace In Use (Bytes): 0\nThere are no partitions.\n`;
  const request = exampleRequest();
  const ours = request.hsm.label;
  const job = { target: 'target', runId: 'run-1', request };

  for (const [what, shown, seen] of [
    ['two attempts are left', hsmShow(ours, '2 before HSM zeroization!'), /^2 SO attempts are left$/],
    ['one attempt is left', hsmShow(ours, '1 before HSM zeroization!'), /^1 SO attempts are left$/],
    ['the HSM has another label', hsmShow('TheirHSM', '3 before HSM zeroization!'), /has the label “TheirHSM” meanwhile/],
    ['the HSM is zeroized', hsmShow('', 'HSM IS ZEROIZED !!!!'), /was zeroized meanwhile/],
  ] as const)
    it(`is at hand before the look, and not typed where that says that ${what}`, async () => {
      const done: string[] = [];
      const secrets = {
        get: async () => {
          done.push('the store');
          return 'So-Password.1';
        },
      };
      const session = {
        read: async (command: string) => {
          done.push(command);
          return command === 'hsm show' ? shown : '';
        },
        raw: () => assert.fail('a sign-in was begun'),
      } as unknown as LunashSession;
      const record = { append: () => assert.fail('a sign-in was entered') } as unknown as Parameters<Luna['signInAsSo']>[2];
      await assert.rejects(
        new Luna({ secrets } as unknown as ConstructorParameters<typeof Luna>[0]).signInAsSo(job, session, record),
        (error: { problem: Problem }) => {
          assert.equal(error.problem.kind, 'Unsafe');
          assert.match(wordsOf(error.problem), seen);
          return true;
        },
      );
      assert.deepEqual(done.slice(0, 2), ['the store', 'hsm show']);
    });

  for (const [what, printed, outcome] of [
    ['is accepted', { text: "'hsm login' successful.", result: 0, errors: [] }, 'accepted'],
    ['is refused', { text: '', result: 65_535, errors: ["'hsm login' failed."] }, 'refused'],
  ] as const)
    it(`is on record before it is typed, and that it ${what} afterwards`, async () => {
      const done: string[] = [];
      const session = {
        read: async (command: string) => (command === 'hsm show' ? hsmShow(ours, '3 before HSM zeroization!') : ''),
        raw: async (command: string) => {
          done.push(command);
          return printed;
        },
      } as unknown as LunashSession;
      const record = { append: async (event: string, data: { outcome: string }) => void done.push(`${event}: ${data.outcome}`) };
      const luna = new Luna({ secrets: { get: async () => 'So-Password.1' } } as unknown as ConstructorParameters<typeof Luna>[0]);
      const signingIn = luna.signInAsSo(job, session, record as unknown as Parameters<Luna['signInAsSo']>[2]);
      await (outcome === 'accepted' ? signingIn : assert.rejects(signingIn, (error: { problem: Problem }) => error.problem.kind === 'Unsafe'));
      assert.deepEqual(done, ['so-sign-in: tried', 'hsm login', `so-sign-in: ${outcome}`]);
    });
});
