import assert from 'node:assert/strict';
import { StepFailure, wordsOf } from '../../../domain/failure.ts';
import { readHsm } from '../../../systems/lunash/read-hsm.ts';
import type { LunashSession } from '../../../systems/lunash/session.ts';

const hsmShow = (partitions: string, created: string) => `
   HSM Label:                          LunaHSM
   Serial #:                           572413
   HSM Admin login attempts left:      3 before HSM zeroization!
   Partitions created on HSM:
   ==============================
${partitions}
   Number of partitions allowed:        10
${created}
   The HSM is NOT in FIPS 140-2 approved operation mode.
   Space In Use (Bytes):                102701
`;
const row = ' 1570000000001   theirs                       2    102701      1660    101041';
const one = '   Partition:  1570000000001, Name: theirs';
const none = '   There are no partitions.';
const count = (number: number) => `   Number of partitions created:        ${number}`;

/** A session in which the same two commands are answered by the next of these, each time anew; the last one stays. */
function answering(...looks: [hsmShow: string, partitionList: string][]) {
  const asked: string[] = [];
  const session = {
    read: async (command: string) => {
      asked.push(command);
      const [shown, listed] = looks[Math.min(asked.filter((each) => each === 'hsm show').length, looks.length) - 1]!;
      return command === 'hsm show' ? shown : listed;
    },
  } as unknown as LunashSession;
  return { session, asked };
}

describe('How many partitions there are', () => {
  const told: [what: string, shown: string, listed: string, names: string[]][] = [
    ['one', hsmShow(one, count(1)), row, ['theirs']],
    ['one, whose line in hsm show is another one', hsmShow('   Partition 1570000000001 (theirs)', count(1)), row, ['theirs']],
    ['none', hsmShow(none, count(0)), none, []],
    ['one, where no number is told', hsmShow(one, ''), row, ['theirs']],
    ['none, where no number is told', hsmShow(none, ''), none, []],
  ];
  for (const [what, shown, listed, names] of told)
    it(`is believed where both commands agree: ${what}`, async () => {
      const { partitions } = await readHsm(answering([shown, listed]).session);
      assert.deepEqual(
        partitions.map(({ name }) => name),
        names,
      );
    });

  const otherColumn = `${row}  OK`;
  const otherLine = '   Partition 1570000000001 (theirs)';
  const doubtful: [what: string, shown: string, listed: string, seen: RegExp][] = [
    ['neither is understood', hsmShow(otherLine, count(1)), otherColumn, /shows 0 partitions, hsm show names 0 and counts 1$/],
    ['neither is understood, and no number is told', hsmShow(otherLine, ''), otherColumn, /shows 0 partitions, hsm show names 0 and counts an unknown number/],
    ['the list is not understood', hsmShow(one, count(1)), otherColumn, /does not show theirs/],
    ['hsm show is not understood, and no number is told', hsmShow(otherLine, ''), row, /shows 1 partitions, hsm show names 0 and counts an unknown number$/],
    ['the number is no number', hsmShow(otherLine, '   Number of partitions created:  one'), none, /counts an unknown number/],
    ['one of two is not understood', hsmShow(`${one}\n${otherLine}`, count(2)), row, /shows 1 partitions, hsm show names 1 and counts 2$/],
  ];
  for (const [what, shown, listed, seen] of doubtful)
    it(`is never taken for fewer: ${what}`, async () => {
      await assert.rejects(readHsm(answering([shown, listed]).session), (error: unknown) => {
        assert.ok(error instanceof StepFailure);
        assert.equal(error.problem.kind, 'Unsafe');
        assert.match(wordsOf(error.problem), seen);
        return true;
      });
    });

  it('is looked at once more where somebody created one between the two commands', async () => {
    const { session, asked } = answering([hsmShow(none, count(0)), row], [hsmShow(one, count(1)), row]);
    assert.equal((await readHsm(session)).partitions.length, 1);
    assert.equal(asked.length, 4);
  });
});
