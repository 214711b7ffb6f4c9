import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { failureCodes, isFailureCode } from '../../domain/failure-codes.ts';
import { idsOf } from '../../domain/steps.ts';
import { failuresText } from '../../scripts/failures.ts';

const root = new URL('../../', import.meta.url);
const folders = ['activities', 'api', 'domain', 'scripts', 'stores', 'systems', 'temporal', 'worker', 'workflows'];
const sources = folders.flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`),
);
const textOf = (file: string) => readFileSync(new URL(file, root), 'utf8');

describe('The codes of failures', () => {
  it('are the table’s own names alone', () => {
    assert.ok(isFailureCode('HSM_SO_ATTEMPTS_USED'));
    for (const other of ['toString', 'HSM', '', undefined, 1]) assert.ok(!isFailureCode(other), String(other));
  });

  it('are in capitals and begin with the system that they are about, which is a section of docs/failures.md', () => {
    const listed = failuresText();
    for (const code of idsOf(failureCodes)) {
      assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
      assert.equal(listed.split(`\`${code}\` |`).length, 2, `${code} must be listed once`);
    }
  });

  it('are what docs/failures.md lists (else: node scripts/failures.ts)', () => {
    assert.equal(readFileSync(fileURLToPath(new URL('docs/failures.md', root)), 'utf8'), failuresText());
  });

  it('are each used somewhere in the product', () => {
    const product = sources.filter((file) => file !== 'domain/failure-codes.ts').map(textOf);
    const unused = idsOf(failureCodes).filter((code) => !product.some((text) => text.includes(`'${code}'`)));
    assert.deepEqual(unused, []);
  });
});

describe('The word “said”', () => {
  /** What stands in quotes on a line of code, without the code in a template. */
  const quotedIn = (line: string) =>
    [...line.matchAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`?/g)].map(([text]) => text.replaceAll(/\$\{[^}]*\}/g, ''));
  const isComment = (line: string) => /^\s*(?:\/\/|\/?\*)/.test(line);

  it('comes before the words of a system in one place alone, so that nobody’s mouth is filled with ours', () => {
    const found = sources.flatMap((file) =>
      textOf(file)
        .split('\n')
        .filter((line) => !isComment(line) && quotedIn(line).some((text) => / said\b/.test(text)))
        .map((line) => `${file}: ${line.trim()}`),
    );
    assert.deepEqual(
      found.filter((line) => !line.startsWith('domain/failure.ts: evidence ? ')),
      [],
    );
    assert.equal(found.length, 1);
  });
});
