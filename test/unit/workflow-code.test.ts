import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fingerprint, keptWorkflowCode } from '../../worker/workflow-bundle.ts';
import { testedWorkflowCode } from '../support/workflow-bundle.ts';

describe("The workflows' code", function () {
  this.timeout(180_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-code-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is made once and found again; what versions of long ago left is removed, what a neighbor just made is not', async () => {
    for (const name of ['old.js', 'new.js']) writeFileSync(join(folder, name), 'code');
    utimesSync(join(folder, 'old.js'), 1, 1);
    const { codePath } = await keptWorkflowCode(folder);
    const code = readFileSync(codePath, 'utf8');
    assert.match(code, /planWhatIf/);
    assert.doesNotMatch(code, /node_modules\/(typebox|ajv)|domain\/(request-schema|validate)\.ts/, 'schemas are for those who let requests in');
    assert.deepEqual(readdirSync(folder).sort(), [basename(codePath), 'new.js'].sort());
    const { ino } = statSync(codePath);
    assert.deepEqual(await keptWorkflowCode(folder), { codePath });
    assert.equal(statSync(codePath).ino, ino, 'the same file, not another in its place');
  });

  it('holds no schema library: each cached workflow would carry it', async () => {
    const { codePath } = await testedWorkflowCode();
    const modules = [...new Set(readFileSync(codePath, 'utf8').match(/node_modules\/(?:@[\w-]+\/)?[\w-]+/g))];
    assert.ok(modules.includes('node_modules/@temporalio/workflow'), 'modules are told by their paths');
    for (const library of ['typebox', '@sinclair/typebox', 'ajv', 'ajv-formats', 'zod']) assert.ok(!modules.includes(`node_modules/${library}`), library);
  });

  it('is another one as soon as anything that it is made of changes', async () => {
    const files = ['domain/steps.ts', 'domain/rules/luna.ts', 'temporal/contract.ts', 'workflows/index.ts', 'worker/workflow-bundle.ts', 'package-lock.json'];
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), 'one');
    }
    const seen = [await fingerprint(folder)];
    assert.equal(await fingerprint(folder), seen[0]);
    for (const file of files) {
      writeFileSync(join(folder, file), 'two');
      seen.push(await fingerprint(folder));
    }
    assert.equal(new Set(seen).size, files.length + 1);
  });
});
