import assert from 'node:assert/strict';
import { readOutcome, type Waiting, waitingFor } from '../../../systems/lunash/reading.ts';

describe('What LunaSH waits for', () => {
  const proceed = "Type 'proceed' to log in, or 'quit' to quit now.\n> ";
  const password = "Please enter the HSM Administrators' password:\n> ";
  const rows: [what: string, printed: string, waiting: Waiting][] = [
    ['a question to proceed', proceed, 'proceed'],
    ['the SO’s password', password, 'so-password'],
    ['the same after a caution of the last attempt', `CAUTION: This is your LAST available HSM Admin login attempt.\n\n${proceed}`, 'few-attempts'],
    ['a password after a caution of the last attempts', `CAUTION: You have only TWO HSM Admin logins attempts left.\n\n${password}`, 'few-attempts'],
    ['a question that is none of them', 'Which slot ->', 'unknown'],
  ];
  for (const [what, printed, waiting] of rows) it(`is told by the end of what it printed: ${what}`, () => assert.equal(waitingFor(printed), waiting));
});

describe('What LunaSH says of a command', () => {
  it('is its last result: what a command prints could quote another', () => {
    const log = 'Command Result : 0 (Success)';
    assert.equal(readOutcome(`${log}\nCommand Result : 65535 (Luna Shell execution)\n[host] lunash:>`, 'x').result, 65_535);
    assert.equal(readOutcome(`Command Result : 65535 (Luna Shell execution)\n${log}\n[host] lunash:>`, 'x').result, 0);
  });
});
