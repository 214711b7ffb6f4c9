import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Value } from 'typebox/value';
import { decisionOf } from '../../domain/decisions.ts';
import { approvalSignal, resolveSignal } from '../../domain/schemas/decisions.ts';

describe('What a signal says', () => {
  const resolve = { incidentId: 'incident-1-abc', decisionId: 'd', actor: 'anna', action: 'retry' };

  it('is a decision where it has every text that it must have', () => {
    assert.deepEqual(decisionOf('resolve', { ...resolve, comment: 'done', more: 1 }).decision, { kind: 'resolve', ...resolve, comment: 'done' });
    const approve = { approvalId: 'approve-zeroize-1-abc', decisionId: 'd', actor: 'anna' };
    assert.deepEqual(decisionOf('approve', approve).decision, { kind: 'approve', ...approve });
  });

  it('is none, but shown, where one is missing or no text, or where the action is unknown', () => {
    for (const change of [{ incidentId: undefined }, { decisionId: 7 }, { actor: null }, { action: 'delete' }]) {
      const { decision, shown } = decisionOf('resolve', { ...resolve, ...change });
      assert.equal(decision, undefined);
      assert.ok(shown.about && shown.actor && shown.decisionId);
    }
  });

  it('is what the schemas say, whichever way it comes in: what fits them is a decision, and what is one fits them', () => {
    const text = fc.string({ maxLength: 300 });
    const some = fc.oneof(text, fc.anything());
    const fields = { approvalId: some, incidentId: some, decisionId: some, actor: some, action: fc.oneof(fc.constantFrom('retry', 'skip', 'abort'), some) };
    const payload = fc.record({ ...fields, comment: some, amendment: fc.anything() }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.constantFrom('approve', 'reject', 'resolve'), payload, (signal, sent) => {
        const schema = signal === 'resolve' ? resolveSignal : approvalSignal;
        const { decision } = decisionOf(signal, sent);
        if (Value.Check(schema, sent)) assert.ok(decision);
        if (decision) assert.ok(Value.Check(schema, decision));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is cut where it is long, and never throws, whatever was sent', () => {
    assert.equal(decisionOf('reject', { approvalId: 'x'.repeat(10_000), decisionId: 'd', actor: 'a' }).shown.about.length, 300);
    const text = fc.oneof(fc.anything(), fc.string());
    const payload = fc.oneof(fc.anything(), fc.record({ approvalId: text, incidentId: text, decisionId: text, actor: text, action: text, comment: text }));
    fc.assert(
      fc.property(fc.constantFrom('approve', 'reject', 'resolve'), payload, (signal, sent) => {
        const { shown } = decisionOf(signal, sent);
        assert.ok(JSON.stringify(shown).length < 10_000);
      }),
    );
  });
});
