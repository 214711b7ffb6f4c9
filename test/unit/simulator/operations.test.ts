import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { kinds } from '../../../simulator/azure/kinds.ts';
import { machineActions } from '../../../simulator/azure/resources.ts';
import { fixedOperations } from '../../../simulator/azure/routes.ts';
import { routes } from '../../../simulator/ciphertrust/routes.ts';
import { commands } from '../../../simulator/luna/lunash.ts';
import { marksOf, operationOf, operations } from '../../../simulator/operations.ts';
import { verbs } from '../../../simulator/windows/lunacm/lunacm.ts';

const source = (path: string): string => readFileSync(new URL(`../../../simulator/${path}`, import.meta.url), 'utf8');
const found = (path: string, pattern: RegExp): string[] => [...source(path).matchAll(pattern)].map(([, ...parts]) => parts.join(' '));
const reads = /:(GET|HEAD) /;

/** What the simulated systems know, read where they keep it. */
const known = [
  ...commands.map(({ words }) => `lunash:${words.join(' ')}`),
  'lunash:first sign-in',
  ...Object.keys(verbs).map((verb) => `lunacm:${verb}`),
  ...found('windows/vtl.ts', /case '(\w+)':/g).map((verb) => `vtl:${verb}`),
  ...routes.map(({ operation }) => `ciphertrust:${operation}`),
  ...fixedOperations.map((operation) => `arm:${operation}`),
  ...found('azure/routes.ts', /on\('(\w+)', [^']*'([^']+)'/g).map((operation) => `arm:${operation}`),
  ...Object.keys(kinds).flatMap((type) => ['PUT', 'PATCH', 'DELETE'].map((method) => `arm:${method} ${type}`)),
  ...found('azure/routes.ts', /case '(microsoft[^']+)':/g).flatMap((type) => ['PUT', 'DELETE'].map((method) => `arm:${method} ${type}`)),
  ...machineActions.map((action) => `arm:POST Microsoft.Compute/virtualMachines/${action}`),
  ...found('azure/vault.ts', /case '(\w+) ([a-z ]+)':/g).map((operation) => `vault:${operation}`),
  ...found('azure/authority.ts', /visit\('([^']+)'/g).map((operation) => `authority:${operation}`),
  ...found('windows/windows-host.ts', /'(windows:[a-z -]+)'/g),
];

describe('The list of what operations erase, count and disclose', () => {
  it('says it of every operation of every simulated system', () => {
    assert.ok(known.length > 150, `${known.length} operations were found`);
    assert.deepEqual(
      [...new Set(known)].filter((operation) => !reads.test(operation) && !operationOf(operation)),
      [],
      'give these a line in simulator/operations.ts',
    );
  });

  it('says why, in one sentence', () => {
    for (const [name, { why }] of Object.entries(operations)) assert.match(why, /^[A-Z].*[.]$/, name);
  });

  it('knows an operation however it is written, and a command whose arguments are told', () => {
    assert.deepEqual(marksOf('arm:put microsoft.compute/VIRTUALMACHINES'), { destructive: false, counted: false, disclosing: true });
    assert.match(operationOf('lunash:service restart ntls')?.why ?? '', /set again/);
    assert.deepEqual(marksOf('ciphertrust:POST /v1/system/hsm/setup'), { destructive: true, counted: true, disclosing: true });
    assert.deepEqual(marksOf('lunash:hsm explode'), { destructive: false, counted: false, disclosing: false });
  });
});
