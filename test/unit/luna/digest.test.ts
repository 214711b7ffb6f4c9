import assert from 'node:assert/strict';
import { digestOf } from '../../../systems/lunash/parse.ts';

const shown = { serial: '572413', label: 'LunaHSM', firmware: '7.0.3', software: '7.2.0', zeroized: false, fips: false, soAttemptsLeft: 3, bytesInUse: 20_000 };
const partitions = [
  { serial: '1', name: 'one', objects: 2, usedBytes: 1_660 },
  { serial: '2', name: 'two', objects: 0, usedBytes: 0 },
];
const usual = digestOf(shown, partitions);
const first = partitions[0]!;

describe('The digest that an approval is bound to', () => {
  for (const [what, digest] of [
    ['serial', digestOf({ ...shown, serial: '572414' }, partitions)],
    ['label', digestOf({ ...shown, label: 'TheirHSM' }, partitions)],
    ['FIPS mode', digestOf({ ...shown, fips: true }, partitions)],
    ['bytes in use', digestOf({ ...shown, bytesInUse: 20_001 }, partitions)],
    ['partitions', digestOf(shown, partitions.slice(1))],
    ['serial of a partition', digestOf(shown, [{ ...first, serial: '3' }, ...partitions.slice(1)])],
    ['name of a partition', digestOf(shown, [{ ...first, name: 'three' }, ...partitions.slice(1)])],
    ['objects of a partition', digestOf(shown, [{ ...first, objects: 3 }, ...partitions.slice(1)])],
    ['bytes of a partition', digestOf(shown, [{ ...first, usedBytes: 830 }, ...partitions.slice(1)])],
  ] as const)
    it(`is another one with another ${what}`, () => assert.notEqual(digest, usual));

  it('does not depend on the order in which partitions are listed', () => assert.equal(digestOf(shown, partitions.toReversed()), usual));

  it('does not depend on the sign-ins that are left', () => assert.equal(digestOf({ ...shown, soAttemptsLeft: 2 }, partitions), usual));
});
