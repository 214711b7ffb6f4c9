import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { variants } from '../../simulator/variants.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = 'docs/reference';
const pages = ['azure.md', 'luna.md', 'ciphertrust.md', 'temporal.md'];
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
const headingsOf = (text: string): string[] => [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => heading!);
const texts = Object.fromEntries(['README.md', ...pages].map((page) => [page, read(`${folder}/${page}`)]));
const anchors = Object.fromEntries(Object.entries(texts).map(([page, text]) => [page, headingsOf(text).map(anchorOf)]));

/** What is wrong with the pages and anchors that a text cites, such as `docs/reference/luna.md#hsm-login`. */
function brokenCitations(text: string, begin = `${folder}/`): string[] {
  const cited = new RegExp(`${begin}([\\w-]+\\.md)(?:#([\\w-]+))?`, 'g');
  return [...text.matchAll(cited)].flatMap(([citation, page, anchor]) =>
    anchors[page!] && (anchor === undefined || anchors[page!]!.includes(anchor)) ? [] : [citation],
  );
}

/** The facts of a page: a heading of the third level and what stands below it. */
const factsOf = (text: string): { heading: string; body: string }[] =>
  text
    .split(/^### /m)
    .slice(1)
    .map((fact) => ({ heading: fact.split('\n', 1)[0]!, body: fact.slice(fact.indexOf('\n')).split(/^(?:## |\[[\w-]+\]: )/m)[0]! }));

/** The simulator's options that the tables name, each with the values beside it. */
function optionsOf(text: string): (readonly [name: string, values: string[]])[] {
  const cells = [...text.matchAll(/^\|.*\| ([^|]+) \|$/gm)].map(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, quoted]) => quoted!));
  return cells.flatMap(([name, ...values]) => (name?.includes('.') ? [[name, values] as const] : []));
}

describe('The pages about what the code relies on', () => {
  it('have every page and anchor that code, tests and guides cite', () => {
    const files = globSync('**/*.{ts,mjs,md,yaml,yml,patch}', { cwd: root, exclude: ['node_modules', '.git', '.data', 'coverage'] });
    assert.ok(files.length > 500, `${files.length} files are looked at`);
    assert.deepEqual(brokenCitations(`${folder}/luna.md#hsm-login ${folder}/none.md ${folder}/luna.md#none`), [`${folder}/none.md`, `${folder}/luna.md#none`]);
    const own = fileURLToPath(import.meta.url).slice(root.length);
    const broken = files.filter((file) => file !== own).flatMap((file) => brokenCitations(read(file)).map((citation) => `${file}: ${citation}`));
    assert.deepEqual(broken, []);
  });

  it('link to places that exist in each other', () => {
    for (const [page, text] of Object.entries(texts)) assert.deepEqual(brokenCitations(text, '\\]\\('), [], page);
  });

  for (const page of pages)
    it(`tell of each fact in ${page} how sure it is, once and with its source`, () => {
      const text = texts[page]!;
      assert.deepEqual(
        anchors[page]!.filter((anchor, at, all) => all.indexOf(anchor) !== at),
        [],
        'an anchor means one place',
      );
      const definitions = new Map([...text.matchAll(/^\[([\w-]+)\]: (https:\/\/\S+)$/gm)].map(([, name, url]) => [name!, url!]));
      const cited = [...text.matchAll(/\]\[([\w-]+)\]/g)].map(([, name]) => name!);
      assert.deepEqual([...new Set(cited)].sort(), [...definitions.keys()].sort());
      for (const { heading, body } of factsOf(text)) {
        assert.match(body, /\*(?:Documented|Recorded|Inferred|Unknown)\*/, heading);
        assert.match(body, /\]\[[\w-]+\]|\*Unknown\*|`test\/|\*Inferred\*/, `${heading} has a source`);
      }
    });

  it('name every option of the simulator once, with its values, and none that it does not have', () => {
    const named = optionsOf(texts['README.md']!);
    assert.deepEqual(Object.fromEntries(named), Object.fromEntries(Object.entries(variants).map(([name, { values }]) => [name, [...(values ?? [])]])));
    assert.equal(named.length, Object.keys(variants).length);
  });
});
