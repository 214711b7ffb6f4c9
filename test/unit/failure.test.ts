import assert from 'node:assert/strict';
import { forPerson, type Problem, refused, sentence, transient, unsafe } from '../../domain/failure.ts';
import { failureCodes } from '../../domain/failure-codes.ts';
import { idsOf } from '../../domain/steps.ts';
import { storeFailed } from '../../stores/secrets/kept.ts';

const bytesOf = (problem: Problem): number => Buffer.byteLength(JSON.stringify(problem));
const longestCode = idsOf(failureCodes).reduce((longest, code) => (code.length > longest.length ? code : longest));

describe('A failure', () => {
  const texts: [what: string, text: string][] = [
    ['plain letters', 'y'.repeat(5000)],
    ['letters of three bytes', '€'.repeat(5000)],
    ['letters of four bytes', '𝄞'.repeat(5000)],
    ['letters that JSON escapes', '\u0001"\\'.repeat(2000)],
  ];
  for (const [what, text] of texts)
    it(`stays within 1 KB, however much a system says, in ${what}`, () => {
      const told = { code: 'AZURE_BUSY', tried: text, summary: text, remedy: text, retryAfterMs: 123_456_789 } as const;
      const quoting = transient({ ...told, evidence: { source: 'Azure Resource Manager', text } }).problem;
      for (const problem of [quoting, transient(told).problem]) assert.ok(bytesOf({ ...problem, code: longestCode }) <= 1024 + longestCode.length);
      assert.ok(bytesOf(quoting) <= 1024 && bytesOf(transient(told).problem) <= 1024);
      assert.ok(quoting.evidence!.text.length > 10 && quoting.summary.length > 10, 'each keeps some of its words');
    });

  it('keeps a long summary where the other texts are short', () => {
    const summary = Array.from({ length: 60 }, (_, at) => `thing ${at}`).join('; ');
    assert.equal(refused({ code: 'AZURE_NOT_OFFERED', tried: 'looking', summary, remedy: 'Fix it.' }).problem.summary, summary);
  });

  it('that nothing tries again any more names a next step for a person, and no pause', () => {
    const passing = transient({
      code: 'AZURE_UNREACHABLE',
      tried: 'reading hsm-so-password',
      summary: 'no answer',
      remedy: 'It is tried again by itself.',
      retryAfterMs: 500,
    });
    const { kind, remedy, retryAfterMs } = storeFailed('reading the secret', passing).problem;
    assert.deepEqual([kind, remedy, retryAfterMs], ['Unsafe', 'Check the connection between the worker and the secret store, then retry.', undefined]);
    const refusal = refused({ code: 'SECRET_LOST', tried: 'reading', summary: 'it is deleted', remedy: 'Recover it.' }).problem;
    assert.deepEqual(forPerson(refusal, 'the vault'), refusal);
  });

  it('says “said” before what a system said, and nowhere else', () => {
    const told = { code: 'HSM_COMMAND_FAILED', tried: 'hsm login', summary: 'the command failed', remedy: 'Check the appliance, then retry.' } as const;
    assert.equal(sentence(unsafe(told).problem), 'hsm login: the command failed. Check the appliance, then retry.');
    assert.equal(
      sentence(unsafe({ ...told, evidence: { source: 'LunaSH', text: 'Error: 1' } }).problem),
      'hsm login: the command failed. LunaSH said: "Error: 1" Check the appliance, then retry.',
    );
  });
});
