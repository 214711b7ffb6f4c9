import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bench, createBench } from '../../../scripts/mutants/bench.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The code of the section, block by block. */
function codeOf(title: string): string[] {
  const [, section = ''] = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8').split(`\n## ${title}\n`);
  return [...section.split('\n## ')[0]!.matchAll(/^```(?:ts)?\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);
}

describe('The guide to adding a step, followed to the letter', function () {
  this.timeout(180_000);
  const [catalog = '', schemas = '', step = '', registry = '', phase = '', stub = '', test = '', commands = ''] = codeOf('Add a step');
  let bench: Bench;

  const edit = (file: string, at: string, text: string) => {
    const path = join(bench.folder, file);
    const source = readFileSync(path, 'utf8');
    assert.ok(source.includes(at), `${file} has no ${at}`);
    writeFileSync(
      path,
      source.replace(at, () => text),
    );
  };
  const insert = (file: string, before: string, text: string) => edit(file, before, `${text.trimEnd()}\n${before}`);

  before(() => {
    bench = createBench(root);
    insert('domain/steps.ts', "  'virtual-network': {", catalog);
    edit(
      'domain/steps.ts',
      "after: ['resource-group'],\n    uses: ['/azure/tags', '/network/addressSpace'",
      "after: ['tag-group'],\n    uses: ['/azure/tags', '/network/addressSpace'",
    );
    for (const line of schemas.trimEnd().split('\n')) {
      const [code = '', file = ''] = line.split(/ +\/\/ |, in /);
      insert(file, "  'virtual-network': ", code);
    }
    writeFileSync(join(bench.folder, 'activities/network/tag-group.ts'), step);
    const [imported = '', registered = ''] = registry.trimEnd().split('\n');
    insert('activities/registry.ts', 'import { virtualNetwork }', imported);
    insert('activities/registry.ts', "  'virtual-network': ", registered);
    insert('workflows/procedures/phases/network.ts', "  return job.step('virtual-network'", phase);
    insert('test/support/stub-activities.ts', "  'virtual-network': ", stub);
    writeFileSync(join(bench.folder, 'test/unit/decide/network.test.ts'), test);
  });
  after(() => bench?.close());

  it('gives a step whose types fit', async () => assert.equal(await bench.typeErrors(), undefined));

  it('gives a step whose tests pass, with those of the catalog, the engine and the plan', async () => {
    const [, files = ''] = /^npx mocha --no-config (.*)$/m.exec(commands) ?? [];
    assert.match(files, /network\.test\.ts/);
    const { counts, output } = await bench.test(files.split(' '), { bail: true, longestMs: 120_000 });
    assert.equal(counts?.failed, 0, output);
    assert.match(output, /tag-group/);
  });
});
