import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { validateRequest } from '../../domain/validate.ts';
import { editorSchemaText, requestShapeText } from '../../scripts/request-schema.ts';

const docs = new URL('../../docs/', import.meta.url);
const examples = new URL('../../examples/', import.meta.url);

describe('The JSON Schema of a request for editors', () => {
  it('is what the validator goes by (else: node scripts/request-schema.ts)', () => {
    assert.equal(readFileSync(new URL('request.schema.json', docs), 'utf8'), editorSchemaText());
    assert.equal(readFileSync(new URL('../domain/request-shape.json', docs), 'utf8'), requestShapeText(), 'and so is what workflow code goes by');
  });

  it('is named by each example, which fits it and is taken by the validator', () => {
    const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
    (formats as unknown as (ajv: Ajv2020) => void)(ajv);
    ajv.addKeyword('patternErrorMessage');
    const fits = ajv.compile<object>(JSON.parse(readFileSync(new URL('request.schema.json', docs), 'utf8')));
    for (const name of readdirSync(examples)) {
      const request = JSON.parse(readFileSync(new URL(name, examples), 'utf8'));
      assert.ok(existsSync(new URL(request.$schema, new URL(name, examples))), `${name} names ${request.$schema}`);
      assert.ok(fits(request), `${name}: ${JSON.stringify(fits.errors)}`);
      assert.ok(validateRequest(request).ok, name);
      assert.ok(!fits(Object.assign(request, { color: 'red' })));
    }
  });
});
