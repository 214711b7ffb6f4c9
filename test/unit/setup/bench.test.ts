import assert from 'node:assert/strict';
import { minutesOf } from '../../../bench/configured.ts';
import { broken, type Measure, median, table } from '../../../bench/measures.ts';
import { residentMegabytes } from '../../../bench/memory.ts';

describe('the benchmark', () => {
  it('adds up what a step cannot avoid', () => {
    assert.equal(minutesOf('deploy-hsm', { publicAddress: 0.2, gateway: 36, hsm: 20 }), 56.2);
    assert.equal(minutesOf('inspect-hsm', {}), 0);
  });

  it('refuses a world that does not tell a duration: the path would come out too short', () => {
    assert.throws(() => minutesOf('first-boot', {}), /no duration "cipherTrustBoot", which first-boot takes/);
  });

  it('takes the middle', () => assert.deepEqual([median([9, 1, 5]), median([4, 1, 2, 3])], [5, 2.5]));

  it('fails above a limit, and where nothing was measured', () => {
    const measures: Measure[] = [
      { name: 'events', value: 300, shown: '300', limit: 300 },
      { name: 'ratio', value: 1.11, shown: '1.11', limit: 1.1 },
      { name: 'size', value: Number.NaN, shown: 'NaN', limit: 256 },
      { name: 'memory', value: 900, shown: '900 MB' },
      { name: 'speed', value: 4.9, shown: '4.9 MB/s', least: 5 },
    ];
    assert.deepEqual(
      broken(measures).map(({ name }) => name),
      ['ratio', 'size', 'speed'],
    );
    const [events, ratio, , , speed] = table(measures);
    assert.deepEqual([events, ratio, speed], ['events       300  ≤ 300', 'ratio       1.11  ≤ 1.1  OUTSIDE', 'speed   4.9 MB/s  ≥ 5    OUTSIDE']);
  });

  it('reads the memory of a process', function () {
    if (process.platform !== 'linux') this.skip();
    assert.ok(residentMegabytes(process.pid)! > 10);
    assert.equal(residentMegabytes(2 ** 30), undefined);
  });
});
