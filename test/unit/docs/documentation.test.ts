import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const pages = [...globSync('*.md', { cwd: root }), ...globSync('docs/*.md', { cwd: root })].sort();
const withoutCode = (text: string): string => text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');

/** The anchors that GitHub gives the headings of a page. */
const anchorsOf = (file: string): string[] =>
  [
    ...read(file)
      .replace(/```[\s\S]*?```/g, '')
      .matchAll(/^#+ (.+)$/gm),
  ].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('The documentation', () => {
  for (const page of pages)
    it(`has no link in ${page} that leads nowhere`, () => {
      const targets = [...withoutCode(read(page)).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)];
      const broken = targets.flatMap(([link, path = '', anchor]) => {
        const file = path === '' ? page : normalize(join(dirname(page), path));
        return existsSync(join(root, file)) && (anchor === undefined || anchorsOf(file).includes(anchor)) ? [] : [link];
      });
      assert.deepEqual(broken, []);
    });

  it('names only npm commands that are there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const page of pages)
      for (const [, name = ''] of read(page).matchAll(/npm run (?:--silent )?([a-z][a-z:-]*)/g)) assert.ok(name in scripts, `${page}: npm run ${name}`);
  });

  it('names only files of the repository that are there', () => {
    const roots = 'activities|api|bench|deploy|docs|domain|examples|scripts|simulator|stores|systems|temporal|test|tools|worker|workflows';
    const path = new RegExp(`\`((?:${roots})/[\\w./-]+\\.(?:ts|mjs|cjs|md|json|sh|yaml|mod))\``, 'g');
    // What the guide has its reader write.
    const made = ['activities/network/tag-group.ts', 'test/unit/decide/network.test.ts'];
    const missing = pages.flatMap((page) =>
      [...read(page).matchAll(path)].flatMap(([, file = '']) => (made.includes(file) || existsSync(join(root, file)) ? [] : [`${page}: ${file}`])),
    );
    assert.deepEqual(missing, []);
  });

  it('leaves no key in the checkout where it shows how to make one', () => {
    for (const page of pages)
      for (const [block] of read(page).matchAll(/^```[\s\S]*?^```/gm))
        if (/-keyout|ssh-keygen/.test(block)) assert.match(read(page).slice(0, read(page).indexOf(block)), /^cd ~\/hsm-by-hand$/m, `${page}:\n${block}`);
  });

  it('lists the glossary by the alphabet, each term once', () => {
    const terms = [...read('docs/glossary.md').matchAll(/^\| \*\*(.+?)\*\*/gm)].map(([, term = '']) => term.toLowerCase());
    assert.deepEqual(terms, [...new Set(terms)].toSorted());
  });

  it('has lines in .editorconfig as long as the formatter makes them', () => {
    const { formatter } = JSON.parse(read('biome.json')) as { formatter: { lineWidth: number; indentWidth: number } };
    assert.match(read('.editorconfig'), new RegExp(`^max_line_length = ${formatter.lineWidth}$`, 'm'));
    assert.match(read('.editorconfig'), new RegExp(`^indent_size = ${formatter.indentWidth}$`, 'm'));
  });
});
