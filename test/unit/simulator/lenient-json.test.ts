import assert from 'node:assert/strict';
import { readJson } from '../../../simulator/azure/lenient-json.ts';

describe('JSON as ARM reads it', () => {
  for (const [what, text, read] of [
    ['strict JSON', '{"a":[1,"b",null,true,-1.5e3]}', { a: [1, 'b', null, true, -1500] }],
    [
      'a name without quotes, as Azure CLI puts it before a template',
      '{"mode": "Incremental", template:{"a": 1}}',
      { mode: 'Incremental', template: { a: 1 } },
    ],
    ['comments', '{ // one: "x"\n "a": 1, /* two, */ "b": 2 }', { a: 1, b: 2 }],
    ['a comma too many', '{"a": [1, 2, ], "b": {"c": 3,\n // the last\n }, }', { a: [1, 2], b: { c: 3 } }],
    ['single quotes', `{'a': 'it\\'s "so"'}`, { a: 'it\'s "so"' }],
    ['a text over several lines', '{"a": "[concat(\r\n\t\'b\')]"}', { a: "[concat(\r\n\t'b')]" }],
    ['what looks like any of it inside a text', '{x: "// no: comment, ]", "y": "/* a: */,}"}', { x: '// no: comment, ]', y: '/* a: */,}' }],
    ['an escaped quote', '{x: "a\\"b // c\\\\", y: 1}', { x: 'a"b // c\\', y: 1 }],
  ] as const)
    it(`takes ${what}`, () => assert.deepEqual(readJson(text), read));

  it('says where it is no JSON at all', () => {
    for (const text of ['{', '{"a" 1}', 'a', '{"a": "b}', '{a: b}']) assert.throws(() => readJson(text), SyntaxError, text);
  });
});
