import type { Static, TProperties, TSchema } from 'typebox';
import { Value } from 'typebox/value';

/** Is it an object with fields, whatever they are? */
export const isFields = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a system told, as far as it is what is expected. */
export type Read<Fields extends TProperties> = { readonly [Name in keyof Fields]?: Static<Fields[Name]> };

/** The fields of what a system told that are of the kind they must be: what is of another kind counts as not told. */
export function readFields<Fields extends TProperties>(fields: Fields, told: unknown): Read<Fields> {
  const expected: Partial<Record<string, TSchema>> = fields;
  const right = Object.entries(isFields(told) ? told : {}).filter(([name, value]) => {
    const schema = expected[name];
    return schema !== undefined && Value.Check(schema, value);
  });
  return Object.fromEntries(right) as Read<Fields>; // each of them was just checked against its schema
}

/** The code of an error of Node or of a client, whatever was thrown. */
export const codeOf = (error: unknown): unknown => (typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined);

/**
 * What Node was doing when an error of the system came: `connect`, `read`, `write` …; undefined where that is not told.
 */
export const syscallOf = (error: unknown): unknown => (typeof error === 'object' && error !== null && 'syscall' in error ? error.syscall : undefined);
