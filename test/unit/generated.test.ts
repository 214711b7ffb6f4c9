import assert from 'node:assert/strict';
import fc from 'fast-check';
import { plan } from '../../domain/plan.ts';
import { type Below, generateText, type TextPurpose } from '../../stores/secrets/generate.ts';
import { exampleRequest } from '../support/example.ts';

/** Runs of each property; a failure prints the seed and the path that repeat it. */
const numRuns = 3_000;

const classes = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/];
const hasAll = (text: string) => classes.every((kind) => kind.test(text));

/** What each system takes, from its documentation: written here again, so that one mistake is not made on both sides. */
const taken: Record<TextPurpose, (text: string) => boolean> = {
  'windows-admin-password': (text) => text.length >= 12 && text.length <= 123 && hasAll(text) && !/["'`$;&|<>]/.test(text),
  // All four classes count even if a capital in front and a digit at the end do not; signs that lunacm and plink pass on unharmed.
  'appliance-password': (text) => text.length >= 8 && hasAll(text.replace(/^[A-Z]/, '').replace(/[0-9]$/, '')) && /^[A-Za-z0-9\-_=+.]+$/.test(text),
  'hsm-so-password': (text) => text.length >= 7 && text.length <= 255 && /^[A-Za-z0-9 !@#$%^*()\-_=+[\]{}/:',.~]+$/.test(text),
  'hsm-domain': isDomain,
  'partition-so-password': isRolePassword,
  'partition-domain': isDomain,
  'crypto-officer-temporary-password': isRolePassword,
  'crypto-officer-password': isRolePassword,
  'ciphertrust-admin-password': (text) => text.length >= 8 && text.length <= 30 && hasAll(text),
};

function isDomain(text: string): boolean {
  return text.length >= 1 && text.length <= 128 && /^[A-Za-z0-9]+$/.test(text);
}

/** One word on a line of lunacm’s script: no quote, nothing that begins an option. */
function isRolePassword(text: string): boolean {
  return text.length >= 8 && text.length <= 255 && !/["\s]/.test(text) && !text.startsWith('-');
}

/** Any luck, the extremes included: always the first letter, always the last. */
const luck: fc.Arbitrary<Below> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Below>(() => 0) },
  { weight: 1, arbitrary: fc.constant<Below>((limit) => limit - 1) },
  {
    weight: 50,
    arbitrary: fc.infiniteStream(fc.nat()).map(
      (numbers): Below =>
        (limit) =>
          numbers.next().value % limit,
    ),
  },
);

describe('A generated secret', () => {
  for (const [purpose, rule] of Object.entries(taken) as [TextPurpose, (text: string) => boolean][])
    it(`is one that its system takes, whatever the luck: ${purpose}`, () =>
      fc.assert(
        fc.property(luck, (below) => {
          const text = generateText(purpose, below);
          assert.ok(rule(text), text);
        }),
        { numRuns },
      ));

  it('is never the same twice', () => {
    const seen = new Set(Array.from({ length: 10_000 }, () => generateText('hsm-so-password')));
    assert.equal(seen.size, 10_000);
  });
});

describe('A label or a partition’s name', () => {
  /** As the HSM takes them, and as one word of a command line: 1 to 32 characters, no digit in front. */
  const good = (name: string) => name.length >= 1 && name.length <= 32 && /^[!#$%'()*+,\-./:=@A-Z[\]^_a-z{}~][!#$%'()*+,\-./0-9:=@A-Z[\]^_a-z{}~]*$/.test(name);
  const letters = fc.constantFrom(...'abcxyzABCXYZ0189-_.', ' ', '"', "'", '?', ';', '\n', 'ä', '€', '\u0000', '`', '$', '-');

  it('that the plan takes is one that the HSM takes', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: letters, maxLength: 40 }), fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,40}$/)), (name) => {
        const request = exampleRequest();
        request.hsm.label = name;
        request.hsm.partition.name = name;
        const planned = plan(request);
        const refused = planned.ok ? [] : planned.broken.map(({ path }) => path);
        assert.equal(refused.includes('/hsm/label'), refused.includes('/hsm/partition/name'));
        if (refused.includes('/hsm/label')) return;
        accepted += 1;
        assert.ok(good(name), JSON.stringify(name));
      }),
      { numRuns },
    );
    assert.ok(accepted > 500, `${accepted} names were taken`);
  });
});
