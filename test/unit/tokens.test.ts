import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTokens } from '../../api/tokens.ts';

describe('The tokens file', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-tokens-'));
    file = join(folder, 'tokens.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const hold = (content: unknown, mode = 0o600) => {
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    chmodSync(file, mode);
  };
  const roles = { operator: 'an-operators-token', approver: 'an-approvers-token' };
  const olga = { name: 'olga', roles: ['operator'], token: 'olgas-very-own-token' };

  it('is made once, whole, for its owner alone', () => {
    const first = readTokens(file);
    assert.equal(first.made, true);
    assert.deepEqual(readdirSync(folder), ['tokens.json']);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readTokens(file), { tokens: first.tokens, made: false });
  });

  it('that others may read is closed to them', () => {
    hold(roles, 0o644);
    readTokens(file);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('is taken as earlier versions made it, and may name people beside the roles or in their place', () => {
    hold(roles);
    assert.deepEqual(readTokens(file).tokens, { ...roles, people: [] });
    for (const content of [{ ...roles, people: [olga] }, { people: [olga] }]) {
      hold(content);
      assert.deepEqual(readTokens(file).tokens, content);
    }
  });

  it('with mistakes is refused with all of them, and no token is told', () => {
    const twin = { ...olga, name: 'Olga', color: 'red' };
    const wrong = { name: ' operator', roles: ['king'], token: 'short-secret' };
    hold({ operator: 'o', approvers: 'x', people: [olga, twin, wrong, { ...olga, name: 'approver' }] });
    assert.throws(
      () => readTokens(file),
      ({ message }: Error) => {
        for (const told of [
          /\/approvers is not a known field/,
          /\/operator must be at least 16/,
          /\/people\/1\/color is not a known field/,
          /\/people\/2\/name/,
          /\/people\/2\/roles must be a list of operator or approver/,
          /\/people\/2\/token must be/,
          /\/people\/3\/name/,
          /names somebody twice/,
          /same token is used twice/,
        ])
          assert.match(message, told);
        assert.ok(!message.includes(olga.token) && !message.includes('short-secret'));
        return true;
      },
    );
    for (const content of ['[]', 'nonsense', '{}', '{"people":{}}', '{"people":[null]}']) {
      hold(content);
      assert.throws(() => readTokens(file), /cannot be used/, content);
    }
    assert.equal(readFileSync(file, 'utf8'), '{"people":[null]}');
  });
});
