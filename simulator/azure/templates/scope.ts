import { TemplateProblem } from './problem.ts';

export type Json = unknown;

/** Where in which loops one is. */
export interface Loops {
  indexes: Record<string, number>;
  /** The resource’s own loop, which needs no name. */
  own?: string;
}

/** The group and the deployment that a template is for. */
export interface Destination {
  subscriptionId: string;
  tenantId: string;
  group: { id: string; name: string; type: string; location: string; tags: Record<string, string>; properties: { provisioningState: string } };
  deployment: string;
}

/** What an expression can see. What is absent is not expected at its place. */
export interface Scope extends Destination {
  parameter?(name: string): Json;
  variable?(name: string): Json;
  loops?: Loops;
  /** What a resource, named or by its id, looks like. */
  reference?(target: string, full: boolean): Json;
  /** In the default of a parameter alone: what is another one each time. */
  once?: { now: Date; guid(): string };
}

/** What is not known before other resources are there. */
export class NotYet extends Error {}

/** The member of that name, whatever its case. */
export function caseless<T>(record: Record<string, T>, name: string): [name: string, value: T] | undefined {
  return Object.entries(record).find(([known]) => known.toLowerCase() === name.toLowerCase());
}

/** Each value is worked out when it is first asked for, so that the order in which they stand does not matter. */
export function lazily(what: string, names: readonly string[], work: (name: string) => Json): (name: string) => Json {
  const known = new Map<string, { value?: Json; done: boolean }>();
  return (asked) => {
    const name = names.find((one) => one.toLowerCase() === asked.toLowerCase());
    if (name === undefined)
      throw new TemplateProblem(`The template ${what} '${asked}' is not found. Please see https://aka.ms/arm-syntax-${what}s for usage details.`);
    const before = known.get(name);
    if (before?.done) return before.value;
    if (before) throw new TemplateProblem(`Circular dependency detected on the template ${what} '${name}'`);
    known.set(name, { done: false });
    try {
      const value = work(name);
      known.set(name, { value, done: true });
      return value;
    } catch (error) {
      // Whoever asks again is told the same.
      known.delete(name);
      throw error;
    }
  };
}
