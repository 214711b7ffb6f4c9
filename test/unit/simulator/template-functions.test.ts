import assert from 'node:assert/strict';
import { evaluate } from '../../../simulator/azure/templates/evaluate.ts';
import { functions } from '../../../simulator/azure/templates/functions/functions.ts';
import type { Scope } from '../../../simulator/azure/templates/scope.ts';

const group = '/subscriptions/s/resourceGroups/rg';
const values: Record<string, unknown> = { Prefix: 'HSM', list: ['a', 'b'], rules: { ssh: 22, rdp: { port: 3389 } } };
const scope: Scope = {
  subscriptionId: 's',
  tenantId: 't',
  group: { id: group, name: 'rg', type: 'Microsoft.Resources/resourceGroups', location: 'westus2', tags: {}, properties: { provisioningState: 'Succeeded' } },
  deployment: 'd',
  parameter: (name) => values[name],
  variable: (name) => `variable ${name}`,
  loops: { indexes: { own: 2, other: 5 }, own: 'own' },
  reference: (target, full) => ({ target, full }),
  once: { now: new Date('2026-01-02T03:04:05.678Z'), guid: () => 'a-guid' },
};
const work = (expression: string, seen: Scope = scope) => evaluate(`[${expression}]`, seen);

/** At least one for each function: what it is called with, and what it gives. */
const gives: [expression: string, value: unknown][] = [
  ["base64('Luna')", 'THVuYQ=='],
  ["base64ToString('THVuYQ==')", 'Luna'],
  ["concat('a', 'b', 1, true())", 'ab1True'],
  ["concat(parameters('list'), createArray('c'))", ['a', 'b', 'c']],
  ["endsWith('Gateway', 'WAY')", true],
  ["startsWith('Gateway', 'gate')", true],
  ["indexOf('Gateway', 'WAY')", 4],
  ["format('{0}-{1}-{0}', 'a', 7)", 'a-7-a'],
  ["join(parameters('list'), '/')", 'a/b'],
  ["padLeft(7, 3, '0')", '007'],
  ["replace('a-b-c', '-', '')", 'abc'],
  ["split('a,b;c', createArray(',', ';'))", ['a', 'b', 'c']],
  ["string(createArray(1, 'b'))", '[1,"b"]'],
  ["substring('Gateway', 4, 3)", 'way'],
  ["substring('Gateway', 4)", 'way'],
  ["toLower('HSM')", 'hsm'],
  ["toUpper('hsm')", 'HSM'],
  ["trim(' a ')", 'a'],
  ["length(uniqueString(resourceGroup().id, 'x'))", 13],
  ["equals(uniqueString('a'), uniqueString('a'))", true],
  ["equals(uniqueString('a'), uniqueString('b'))", false],
  ["array('a')", ['a']],
  ["contains(parameters('list'), 'b')", true],
  ["contains(parameters('rules'), 'SSH')", true],
  ["contains('Gateway', 'way')", true],
  ["createArray(1, 'b')", [1, 'b']],
  ["createObject('a', 1, 'b', 'c')", { a: 1, b: 'c' }],
  ["empty('')", true],
  ['empty(createObject())', true],
  ["first('abc')", 'a'],
  ["last(parameters('list'))", 'b'],
  ["intersection(createArray('a', 'b', 'b'), createArray('b', 'c'))", ['b']],
  ["intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3))", { a: 1 }],
  [
    "items(createObject('b', 1, 'a', 2))",
    [
      { key: 'a', value: 2 },
      { key: 'b', value: 1 },
    ],
  ],
  ['json(\'{"a":[1]}\')', { a: [1] }],
  ["length(parameters('rules'))", 2],
  ['max(3, 1)', 3],
  ['min(createArray(3, 1))', 1],
  ['null()', null],
  ['range(3, 2)', [3, 4]],
  ["skip('abc', 1)", 'bc'],
  ["take(parameters('list'), 1)", ['a']],
  ["union(createArray('a'), createArray('a', 'b'))", ['a', 'b']],
  ["union(parameters('rules'), createObject('rdp', createObject('open', false())))", { ssh: 22, rdp: { port: 3389, open: false } }],
  ['add(2, 3)', 5],
  ['sub(2, 3)', -1],
  ['mul(2, 3)', 6],
  ['div(8, 3)', 2],
  ['mod(8, 3)', 2],
  ["int('42')", 42],
  ['and(true(), true(), false())', false],
  ['or(false(), true())', true],
  ['not(false())', true],
  ['true()', true],
  ['false()', false],
  ["bool('True')", true],
  ["coalesce(null(), 'a')", 'a'],
  ["equals('a', 'A')", false],
  ["equals(parameters('list'), createArray('a', 'b'))", true],
  ['greater(2, 1)', true],
  ['greaterOrEquals(1, 2)', false],
  ["less('a', 'b')", true],
  ['lessOrEquals(2, 2)', true],
  ["parameters('Prefix')", 'HSM'],
  ["variables('x')", 'variable x'],
  ['copyIndex()', 2],
  ['copyIndex(10)', 12],
  ["copyIndex('other')", 5],
  ["copyIndex('other', 1)", 6],
  ['resourceGroup().location', 'westus2'],
  ['subscription().id', '/subscriptions/s'],
  ['deployment().name', 'd'],
  ["resourceId('Microsoft.Network/virtualNetworks/subnets', 'v', 'x')", `${group}/providers/Microsoft.Network/virtualNetworks/v/subnets/x`],
  ["resourceId('other', 'Microsoft.Network/virtualNetworks', 'v')", '/subscriptions/s/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/v'],
  ["resourceId('z', 'other', 'A.B/c', 'v')", '/subscriptions/z/resourceGroups/other/providers/A.B/c/v'],
  ["reference('v')", { target: 'v', full: false }],
  ["reference('v', '2024-01-01', 'full').full", true],
  ['newGuid()', 'a-guid'],
  ['utcNow()', '20260102T030405Z'],
  // What is no function.
  ["if(equals(1, 1), 'yes', parameters('rules').none)", 'yes'],
  ["IF(FALSE(), parameters('rules').none, 'no')", 'no'],
  ["parameters('rules').rdp.PORT", 3389],
  ["parameters('list')[copyIndex('own', -1)]", 'b'],
  [" concat( 'it''s' , ' ' , '[x]' ) ", "it's [x]"],
];

/** What is refused, and what is then said. */
const refused: [expression: string, said: RegExp, seen?: Scope][] = [
  ["listKeys('x', '2020')", /The template function 'listKeys' is not valid: it is not supported here/],
  ["mine.function('x')", /'mine\.function' is not valid/],
  ["constructor('x')", /'constructor' is not valid/],
  ["if(true(), 'yes', nonsense())", /'nonsense' is not valid/],
  ['toLower()', /function 'toLower': it takes 1 parameter\(s\), and 0 are given/],
  ["substring('a')", /'substring': it takes 2 to 3 parameter\(s\), and 1 are given/],
  ['concat()', /'concat': it takes at least 1 parameter\(s\), and 0 are given/],
  ["if(true(), 'a')", /'if': it takes 3 parameter\(s\), and 2 are given/],
  ["if('maybe', 'a', 'b')", /'if': parameter 1 must be a boolean, not a string/],
  ["add(1, 'b')", /'add': parameter 2 must be a whole number, not a string/],
  ["not('true')", /'not': parameter 1 must be a boolean/],
  ['div(1, 0)', /divided by zero/],
  ['range(0, 10001)', /must be from 0 to 10000/],
  ["max(1, 'b')", /'max': it needs whole numbers/],
  ["padLeft('a', 10001)", /must be at most 10000/],
  ["copyIndex('constructor')", /there is no loop 'constructor'/],
  ["json('{')", /'json': parameter 1 must be JSON/],
  ["format('{1}', 'a')", /nothing for \{1\}/],
  ["format('{0:D3}', 1)", /the form ':D3' is not supported here/],
  ["substring('abc', 2, 5)", /must lie within/],
  ["resourceId('virtualNetworks', 'v')", /needs a resource type/],
  ["resourceId('A.B/c', 'v', 'w')", /the type 'A\.B\/c' requires 1 resource name argument\(s\), and 2 are given/],
  ["parameters('rules').http", /property 'http' doesn't exist, available properties are 'ssh, rdp'/],
  ["parameters('list')[2]", /array index '2' is out of bounds/],
  ["parameters('Prefix').x", /'x' cannot be taken of "HSM"/],
  ["concat('a'", /cannot be read at character 11/],
  ["concat('a') 'b'", /cannot be read/],
  ['true', /cannot be read/],
  ["copyIndex('third')", /'copyIndex' is not expected at this location: there is no loop 'third'/],
  ["reference('v', '2020', 'half')", /must be 'Full'/],
  ...(['reference', 'variables', 'parameters'] as const).map((name): [string, RegExp, Scope] => [
    `${name}('x')`,
    new RegExp(`The template function '${name}' is not expected at this location`),
    { subscriptionId: 's', tenantId: 't', group: scope.group, deployment: 'd' },
  ]),
  ...(['newGuid', 'utcNow', 'copyIndex'] as const).map((name): [string, RegExp, Scope] => [
    `${name}()`,
    new RegExp(`The template function '${name}' is not expected at this location`),
    { subscriptionId: 's', tenantId: 't', group: scope.group, deployment: 'd' },
  ]),
];

describe('Expressions of the simulated template engine', () => {
  for (const [expression, value] of gives) it(expression, () => assert.deepEqual(work(expression), value));

  for (const [expression, said, seen] of refused)
    it(`${expression} is refused${seen ? ' where it makes no sense' : ''}`, () => assert.throws(() => work(expression, seen), said));

  it('are tried one by one: none of the functions is left out', () => {
    const called = (name: string) => gives.some(([expression]) => new RegExp(`\\b${name}\\(`, 'i').test(expression));
    assert.deepEqual(
      Object.keys(functions).filter((name) => !called(name)),
      [],
    );
  });

  it('stand between brackets, also in names; two brackets mean one', () => {
    assert.deepEqual(evaluate({ "[parameters('Prefix')]": ['[[x]', '[x', 'x]'] }, scope), { HSM: ['[x]', '[x', 'x]'] });
  });
});
