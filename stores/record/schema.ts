import { type TSchema, Type } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { entryFields, events, type Subject } from './events.ts';

const schemas = new Map<string, TSchema>();

/** The schema of an entry with this event; undefined where the subject has no such event. */
function schemaOf(subject: Subject, event: string): TSchema | undefined {
  const ofSubject: Record<string, TSchema> = events[subject];
  if (!Object.hasOwn(ofSubject, event)) return undefined;
  const key = `${subject}/${event}`;
  const known = schemas.get(key);
  if (known) return known;
  const schema = Type.Object({ ...entryFields, event: Type.Literal(event), data: ofSubject[event]! }, { additionalProperties: false });
  schemas.set(key, schema);
  return schema;
}

/** What keeps a value from being entry `n` of a subject, as the end of a sentence about it. Undefined where it is one. */
export function entryProblem(subject: Subject, value: unknown, n: number): string | undefined {
  const event = eventOf(value);
  if (event === undefined) return 'is not an entry';
  const schema = schemaOf(subject, event);
  if (!schema) return `has the unknown event "${event.slice(0, 100)}"`;
  if (!Check(schema, value)) {
    // Where it is wrong, not what stands there.
    const [first] = Errors(schema, value);
    return `(${event}) has an unexpected form${first ? ` at ${first.instancePath || '/'}: ${first.message}` : ''}`;
  }
  return (value as { n: number }).n === n ? undefined : 'carries the number of another entry'; // its schema has an n
}

const eventOf = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null && 'event' in value && typeof value.event === 'string' ? value.event : undefined;
