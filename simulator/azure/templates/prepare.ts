import { randomUUID } from 'node:crypto';
import { checkCircles, checkIds, type Dependent, dependenciesOf, meant } from './dependencies.ts';
import { checkExpressions, evaluate } from './evaluate.ts';
import { readOutputs } from './outputs.ts';
import { readParameters, scopeOf } from './parameters.ts';
import { at, TemplateProblem } from './problem.ts';
import { type Destination, type Json, type Loops, NotYet, type Scope } from './scope.ts';
import { isSecure, readTemplate, root, type Template } from './template.ts';
import { type Unfolded, unfold } from './unfold.ts';

/** One resource to be deployed. */
export interface PreparedResource {
  id: string;
  type: string;
  name: string;
  apiVersion: string;
  body: Record<string, Json>;
  dependsOn: string[];
  /** Its properties as the template has them, where they hold what only other resources can tell. */
  late?: { properties: Json; loops: Loops };
}

export interface Prepared {
  template: Template;
  /** All parameters, secure ones too. */
  values: Record<string, Json>;
  /** As they are shown. */
  parameters: Record<string, { type: string; value?: Json }>;
  resources: PreparedResource[];
}

const bodyParts = ['location', 'tags', 'sku', 'plan', 'zones'];

export function idOf(groupId: string, type: string, name: string): string {
  const [namespace, ...types] = type.split('/');
  const names = name.split('/');
  return `${groupId}/providers/${namespace}/${types.map((part, index) => `${part}/${names[index]}`).join('/')}`;
}

/** Reads a template with what was given for it: everything that can be known before anything is deployed. What is wrong is a TemplateProblem. */
export function prepareTemplate(raw: unknown, given: Record<string, { value?: Json }>, destination: Destination): Prepared {
  const template = readTemplate(raw);
  for (const part of ['variables', 'resources', 'outputs'] as const) checkExpressions(template[part], `${root}.${part}`);
  const values = readParameters(template, given, destination, { now: new Date(), guid: randomUUID });
  const scope = scopeOf(template, values, destination);
  for (const name of Object.keys(template.variables ?? {})) if (name !== 'copy') scope.variable!(name);
  const unfolded = unfold(template, scope).map((one) => ({ ...one, id: idOf(destination.group.id, one.type, one.name) }));
  checkIds(unfolded);
  const all = unfolded.map((one) => ({ one, ...at(one.path, `The template resource '${one.name}'`, () => read(one, unfolded, scope)) }));
  const left = new Set(all.filter(({ wanted }) => !wanted).map(({ resource }) => resource.id));
  const resources = all.flatMap(({ wanted, resource }) => (wanted ? [{ ...resource, dependsOn: resource.dependsOn.filter((id) => !left.has(id)) }] : []));
  checkCircles(resources);
  readOutputs(template, { ...scope, reference: unknownYet }, { early: true });
  const parameters = Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const { type } = template.parameters![name]!;
      return [name, { type, ...(isSecure(type) ? {} : { value }) }];
    }),
  );
  return { template, values, parameters, resources };
}

const unknownYet = (): never => {
  throw new NotYet();
};

type Known = Unfolded & Dependent;

/** A resource worked out as far as it can be; `wanted` tells whether its condition holds. */
function read(one: Known, all: readonly Known[], outer: Scope): { wanted: boolean; resource: PreparedResource } {
  const { raw, loops, id, type, name } = one;
  const scope: Scope = { ...outer, loops };
  const wanted = conditionOf(raw, scope);
  const declared = dependenciesOf(one, all, dependsOnOf(raw, scope));
  const body = Object.fromEntries(bodyParts.filter((part) => raw[part] !== undefined).map((part) => [part, evaluate(raw[part], scope)]));
  const resource = { id, type, name, apiVersion: raw['apiVersion'] as string, body, dependsOn: declared };
  if (!wanted || raw['properties'] === undefined) return { wanted, resource };
  const { reference, referred, met } = references(all);
  body['properties'] = evaluate(raw['properties'], { ...scope, reference });
  resource.dependsOn = [...new Set([...declared, ...referred])];
  return { wanted, resource: met() ? { ...resource, late: { properties: raw['properties'], loops } } : resource };
}

function conditionOf({ condition: asked = true }: Known['raw'], scope: Scope): boolean {
  const condition = evaluate(asked, scope);
  if (typeof condition === 'boolean') return condition;
  throw new TemplateProblem(`The condition must be a boolean, not ${JSON.stringify(condition)}`);
}

function dependsOnOf({ dependsOn = [] }: Known['raw'], scope: Scope): string[] {
  const entries = evaluate(dependsOn, scope);
  if (Array.isArray(entries) && entries.every((entry) => typeof entry === 'string')) return entries;
  throw new TemplateProblem('dependsOn must be an array of strings');
}

/** Before anything is there: whoever refers to a resource of the template by its name waits for it. `met` tells whether there was any reference. */
function references(all: readonly Known[]) {
  const referred: string[] = [];
  let any = false;
  const reference = (target: string): never => {
    any = true;
    const found = target.startsWith('/') ? [] : meant(all, target);
    if (found.length !== 1 && !target.startsWith('/'))
      throw new TemplateProblem(`The template reference '${target}' is not valid: could not find template resource or resource copy with this name`);
    referred.push(...found.map(({ id }) => id));
    return unknownYet();
  };
  return { reference, referred, met: () => any };
}
