import { evaluate, loopCount } from './evaluate.ts';
import { at, needList, needObject, onlyKnown, TemplateProblem } from './problem.ts';
import type { Json, Loops, Scope } from './scope.ts';
import { root, type Template } from './template.ts';

type Raw = Record<string, Json>;

/** One resource of a template: loops repeated, nested ones beside those that they stand in, its expressions not worked out. */
export interface Unfolded {
  raw: Raw;
  path: string;
  type: string;
  name: string;
  loops: Loops;
  /** The loop that made it, and, of a serial one, the number of its batch. */
  loop?: { name: string; batch?: number };
}

/** What a resource may have here. Identities, scopes and the like would need something that acts on them. */
const known = [
  'type',
  'apiVersion',
  'name',
  'location',
  'tags',
  'sku',
  'plan',
  'zones',
  'properties',
  'dependsOn',
  'condition',
  'copy',
  'resources',
  'comments',
  'metadata',
];

export const unfold = (template: Template, scope: Scope): Unfolded[] =>
  template.resources.flatMap((raw, index) => unfoldOne(raw, `${root}.resources[${index}]`, scope));

function unfoldOne(element: Json, path: string, scope: Scope, parent?: { type: string; name: string }): Unfolded[] {
  const raw = needObject(element, 'A template resource', path);
  const { type, what } = readFrame(raw, path, parent?.type);
  const resources = needList(raw['resources'] ?? [], 'The nested resources', `${path}.resources`);
  const { copy } = raw;
  if (copy && (parent || resources.length > 0))
    throw new TemplateProblem(`${what} has copy beside nested resources, which is not supported here: give each a resource of its own`, `${path}.copy`);
  const all = copy ? turns(needObject(copy, `The copy of ${what}`, `${path}.copy`) as Copy, what, `${path}.copy`, scope) : [{ loops: { indexes: {} } }];
  return all.flatMap((turn) => {
    const own = at(path, what, () => String(evaluate(raw['name'], { ...scope, loops: turn.loops })));
    const name = parent ? `${parent.name}/${own}` : own;
    checkSegments(type, name, path);
    const children = resources.flatMap((child, index) => unfoldOne(child, `${path}.resources[${index}]`, scope, { type, name }));
    return [{ raw, path, type, name, ...turn }, ...children];
  });
}

/** The whole type of a resource, and what it is called where something is wrong with it. */
function readFrame(raw: Raw, path: string, parentType: string | undefined): { type: string; what: string } {
  const { type, apiVersion, name } = raw;
  for (const [property, value] of Object.entries({ type, apiVersion }))
    if (typeof value !== 'string' || value.startsWith('['))
      throw new TemplateProblem(`The template resource needs the property '${property}', as a literal text without expressions`, path);
  if (typeof name !== 'string') throw new TemplateProblem(`The template resource of type '${type}' needs a name`, path);
  const what = `The template resource '${name}'`;
  onlyKnown(raw, known, what, path);
  const whole = parentType === undefined ? (type as string) : `${parentType}/${type}`;
  if (whole.toLowerCase() === 'microsoft.resources/deployments')
    throw new TemplateProblem(`${what} is a nested or linked deployment (Microsoft.Resources/deployments), which is not supported here`, path);
  return { type: whole, what };
}

function checkSegments(type: string, name: string, path: string): void {
  if (type.split('/').length === name.split('/').length + 1) return;
  throw new TemplateProblem(
    `The template resource '${name}' for type '${type}' has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name. A root resource type must have segment length one greater than its resource name. Please see https://aka.ms/arm-syntax-resources for usage details.`,
    `${path}.name`,
  );
}

interface Copy {
  name?: string;
  count?: Json;
  mode?: string;
  batchSize?: number;
}

/** The turns of a loop over a resource. */
function turns(copy: Copy, what: string, path: string, scope: Scope): Pick<Unfolded, 'loops' | 'loop'>[] {
  onlyKnown(copy, ['name', 'count', 'mode', 'batchSize'], `The copy of ${what}`, path);
  const { name, count, batchSize = 1 } = copy;
  const mode = String(copy.mode ?? 'parallel').toLowerCase();
  if (typeof name !== 'string' || count === undefined) throw new TemplateProblem(`The copy of ${what} needs name and count`, path);
  const serial = mode === 'serial';
  if ((!serial && mode !== 'parallel') || !Number.isInteger(batchSize) || batchSize < 1)
    throw new TemplateProblem(`The copy of ${what} has a mode of serial or parallel, and a batchSize of at least 1`, path);
  return Array.from({ length: at(path, what, () => loopCount(count, scope)) }, (_, index) => ({
    loops: { indexes: { [name]: index }, own: name },
    loop: { name, ...(serial ? { batch: Math.floor(index / batchSize) } : {}) },
  }));
}
