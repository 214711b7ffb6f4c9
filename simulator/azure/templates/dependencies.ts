import { TemplateProblem } from './problem.ts';
import type { Unfolded } from './unfold.ts';

/** A resource of a template with its id, as far as others can depend on it. */
export interface Dependent extends Pick<Unfolded, 'type' | 'name' | 'loop' | 'path'> {
  id: string;
}

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** Everything that an entry of `dependsOn` means: an id, `Namespace/type/name`, the name of a resource, or that of a loop, which is all of its resources. */
export function meant<T extends Dependent>(all: readonly T[], entry: string): T[] {
  const exact = all.filter(({ id, type, name }) => same(id, entry) || same(`${type}/${name}`, entry) || same(id.replace(/^.*\/providers\//i, ''), entry));
  if (exact.length > 0) return exact;
  const loop = all.filter((one) => one.loop && same(one.loop.name, entry));
  return loop.length > 0 ? loop : all.filter(({ name }) => same(name, entry));
}

/** The ids that a resource waits for. */
export function dependenciesOf<T extends Dependent>(one: T, all: readonly T[], entries: readonly string[]): string[] {
  const declared = entries.flatMap((entry) => {
    const found = meant(all, entry);
    if (found.length > 0) return found;
    const short = entry.replace(/^.*\/providers\//i, '');
    throw new TemplateProblem(
      `The resource '${short}' is not defined in the template. Please see https://aka.ms/arm-syntax-resources for usage details.`,
      one.path,
    );
  });
  const { loop } = one;
  // Of a serial loop each batch waits for those before it.
  const batches = loop?.batch ? all.filter((other) => other.loop?.name === loop.name && (other.loop.batch ?? 0) < loop.batch!) : [];
  return [...new Set([...declared, ...batches].map(({ id }) => id))];
}

export function checkIds(all: readonly Dependent[]): void {
  for (const [index, { id, type, name, path }] of all.entries())
    if (all.findIndex((other) => same(other.id, id)) < index)
      throw new TemplateProblem(
        `The resource '${type}/${name}' is defined multiple times in a template. Please see https://aka.ms/arm-syntax-resources for usage details.`,
        path,
      );
}

/** Nothing may wait for itself, not even through others. */
export function checkCircles(all: readonly { id: string; dependsOn: readonly string[] }[]): void {
  const waits = new Map(all.map(({ id, dependsOn }) => [id.toLowerCase(), dependsOn]));
  const safe = new Set<string>();
  const visit = (id: string, on: readonly string[]): void => {
    if (safe.has(id.toLowerCase())) return;
    if (on.includes(id.toLowerCase()))
      throw new TemplateProblem(`Circular dependency detected on resource: '${id}'. Please see https://aka.ms/arm-syntax-resources for usage details.`);
    for (const next of waits.get(id.toLowerCase()) ?? []) visit(next, [...on, id.toLowerCase()]);
    safe.add(id.toLowerCase());
  };
  for (const { id } of all) visit(id, []);
}
