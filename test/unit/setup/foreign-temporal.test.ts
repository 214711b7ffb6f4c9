import assert from 'node:assert/strict';
import { freePort, StackError } from '../../../scripts/stack/ready.ts';
import { untilForeignTemporal } from '../../../scripts/stack/temporal.ts';

describe('A Temporal that is not the stack’s own', () => {
  it('is waited for, and where it does not come named with what to check', async () => {
    const address = `127.0.0.1:${await freePort(0, 'Temporal', 'HSM_TEMPORAL_PORT')}`;
    const lines: string[] = [];
    await assert.rejects(
      untilForeignTemporal({ TEMPORAL_ADDRESS: address }, (line) => lines.push(line), 4_000),
      (error) =>
        error instanceof StackError &&
        error.message.startsWith(`Temporal at ${address}, namespace default does not respond. Start it, or check TEMPORAL_ADDRESS`),
    );
    assert.ok(lines.length > 0 && lines.every((line) => line.startsWith(`Waiting for Temporal at ${address}, namespace default: `)), lines.join('\n'));
  }).timeout(30_000);
});
