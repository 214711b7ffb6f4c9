import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
const product = ['domain', 'temporal', 'workflows', 'activities', 'systems', 'worker', 'api'];

/** Every call of an Azure client’s delete, as `client.delete`: whatever goes through Microsoft’s packages is named so. */
const deletesIn = (text: string): string[] => [...text.matchAll(/\b(\w+)\s*\.\s*((?:begin)?[dD]elete\w*)\(/g)].map(([, on, what]) => `${on}.${what}`);
/** Deletes in JavaScript’s own collections. */
const ownCollections = /^(?:listeners|watches|open|seen|known|fields|#\w+)\./;

describe('Nothing that this service does', () => {
  const files = product.flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => `${entry.parentPath}/${entry.name}`),
  );
  const texts = files.map((path) => [path.slice(root.pathname.length), readFileSync(path, 'utf8')] as const);

  it('deletes a resource group, an HSM or a gateway: of all that Azure has it deletes the rules that it made', () => {
    assert.ok(texts.length > 80, `${texts.length} files are looked at`);
    assert.deepEqual(deletesIn('await clients.resources.resourceGroups.beginDeleteAndWait(name)'), ['resourceGroups.beginDeleteAndWait'], 'it would be found');
    const found = texts
      .filter(([, text]) => /azure/.test(text))
      .flatMap(([path, text]) => deletesIn(text).map((call) => `${path}: ${call}`))
      .filter((call) => !ownCollections.test(call.split(': ')[1]!));
    assert.deepEqual(found, ['activities/report/remove-temporary-access.ts: securityRules.delete']);
  });

  it('deploys in Complete mode, which deletes what a template does not name', () => {
    const modes = texts.flatMap(([path, text]) => [...text.matchAll(/\bmode: '(\w+)'/g)].map(([, mode]) => [path, mode]));
    assert.ok(modes.length > 0);
    assert.deepEqual(
      modes.filter(([, mode]) => mode !== 'Incremental'),
      [],
    );
  });
});
