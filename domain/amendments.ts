import type { Static } from 'typebox';
import { canonical } from './canonical.ts';
import type { ProvisioningRequest } from './request.ts';
import type { BrokenRule } from './rules/rule.ts';
import type { amendedField } from './schemas/progress.ts';
import { idsOf, type StepDefinition } from './steps.ts';

/** One field that an amendment changed, as people see it: JSON, cut where it is long, and never the query of an address. */
export type AmendedField = Static<typeof amendedField>;

export type Amended =
  | { ok: true; request: ProvisioningRequest; changes: AmendedField[] }
  /** Every mistake of the fields at once, and the request with all of the changes that there is a place for. */
  | { ok: false; mistakes: BrokenRule[]; request: ProvisioningRequest };

export type StepStates<Id extends string> = Readonly<Record<Id, { state: string }>>;
type FieldsOfSteps<Id extends string> = Readonly<Record<Id, Pick<StepDefinition, 'uses'>>>;

/**
 * What makes the target, what the whole job rests on from its first moment, and the names under which things are made one after the other (what was begun under
 * another name would be left behind): never changed while the job goes on.
 */
export const fixedFields: readonly string[] = [
  '/azure/cloud',
  '/azure/subscriptionId',
  '/azure/resourceGroup',
  '/azure/region',
  '/network/name',
  '/hsm/name',
  '/hsm/resourcePrefix',
  '/lunaClient/vmName',
  '/cipherTrust/vmName',
  '/cipherTrust/via',
  '/approval',
];

const startAnew = 'Abort and send the request again: the new job attaches to what exists.';

const most = 20;
const longestShown = 200;

/**
 * Applies an amendment to a request whose shape is right. Says what is wrong with the fields that it names: those that do not exist for any step, those that a
 * step has used, and those that no job may change. Whether the new request has the right shape and breaks no rule is not looked at here. Takes anything.
 */
export function amend<Id extends string>(
  request: ProvisioningRequest,
  amendment: unknown,
  { steps, states }: { steps: FieldsOfSteps<Id>; states: StepStates<Id> },
): Amended {
  const refusedFor = (path: string, message: string): Amended => ({ ok: false, mistakes: [{ path, message }], request });
  if (!isObject(amendment)) return refusedFor('', 'An amendment is an object: JSON pointers with the new values, such as {"/lunaClient/installer/url": "…"}.');
  const entries = Object.entries(amendment);
  if (entries.length === 0 || entries.length > most) return refusedFor('', `An amendment changes between 1 and ${most} fields.`);
  let changed: unknown = request;
  const mistakes: BrokenRule[] = [];
  for (const [pointer, value] of entries) {
    const path = segmentsOf(pointer);
    const next = path && withValue(changed, path, value);
    if (next) changed = next.value;
    else mistakes.push({ path: pointer, message: 'The request has no such place. Name a field by its JSON pointer, such as /lunaClient/installer/url.' });
  }
  const differences = differencesOf(request, changed, '');
  if (differences.length > most) return refusedFor('', `An amendment changes between 1 and ${most} fields.`);
  mistakes.push(...differences.flatMap(({ path }) => mistakesAt(path, steps, states)));
  if (mistakes.length > 0) return { ok: false, mistakes, request: asRequest(changed) };
  if (differences.length === 0) return refusedFor('', 'It changes nothing: the request says so already.');
  return { ok: true, request: asRequest(changed), changes: differences.map(shown) };
}

/** The amendment left everything in place but what it names; the shape of that is the caller’s to check. */
const asRequest = (changed: unknown): ProvisioningRequest => changed as ProvisioningRequest;

/** Is one of the fields the other one, or a part of it? */
const overlap = (one: string, other: string): boolean => one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);

/** Does a change of these fields touch one of those? All are JSON pointers. */
export const touches = (changed: readonly { path: string }[], fields: readonly string[]): boolean =>
  changed.some(({ path }) => fields.some((field) => overlap(path, field)));

function mistakesAt<Id extends string>(path: string, steps: FieldsOfSteps<Id>, states: StepStates<Id>): BrokenRule[] {
  if (fixedFields.some((field) => overlap(path, field))) return [{ path, message: `Field ${path} cannot be changed while the job goes on. ${startAnew}` }];
  const users = idsOf(steps).filter((id) => steps[id].uses.some((field) => overlap(path, field)));
  if (users.length === 0) return [{ path, message: `No step uses a field ${path}: compare it with the request.` }];
  const user = users.find((id) => !canStillChange(states[id].state));
  if (user === undefined) return [];
  const how = states[user].state === 'running' ? 'is being used' : 'was used';
  return [{ path, message: `Field ${path} ${how} by ${user}. ${startAnew}` }];
}

/** A step that failed has not done what it is for: its next attempt looks again and takes the new values. */
const canStillChange = (state: string): boolean => state === 'pending' || state === 'failed';

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function segmentsOf(pointer: string): string[] | undefined {
  const [before, ...segments] = pointer.split('/');
  if (before !== '' || segments.length === 0 || segments.length > 8) return undefined;
  return segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A copy with one field set, or taken away; undefined where there is no place for it. Objects on the way that are not there are made. */
function withValue(target: unknown, [name, ...rest]: readonly string[], value: unknown): { value: unknown } | undefined {
  if (name === undefined) return { value };
  if (Array.isArray(target)) return withItem(target, name, rest, value);
  if (!isObject(target) && target !== undefined) return undefined;
  const fields = new Map(Object.entries(target ?? {}));
  const inner = rest.length === 0 ? { value } : withValue(fields.get(name), rest, value);
  if (!inner) return undefined;
  if (inner.value === null) fields.delete(name);
  else fields.set(name, inner.value);
  return { value: Object.fromEntries(fields) };
}

/** Items are changed where they are; to add or take away some, the whole list is given. */
function withItem(list: readonly unknown[], name: string, rest: readonly string[], value: unknown): { value: unknown } | undefined {
  if (!/^\d+$/.test(name) || Number(name) >= list.length) return undefined;
  const inner = withValue(list[Number(name)], rest, value);
  return inner && inner.value !== null ? { value: list.with(Number(name), inner.value) } : undefined;
}

interface Difference {
  path: string;
  before: unknown;
  after: unknown;
}

/** A list, and the user’s own template, are one field each. */
function differencesOf(before: unknown, after: unknown, path: string): Difference[] {
  const isWhole = path === '/hsm/template/inline';
  if (!isWhole && (isObject(before) || before === undefined) && (isObject(after) || after === undefined)) {
    const [was, is] = [before ?? {}, after ?? {}];
    const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
    // Empty ones, too, are something.
    if (names.length === 0) return before === after || (before && after) ? [] : [{ path, before, after }];
    return names.flatMap((name) => differencesOf(was[name], is[name], `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`));
  }
  return canonicalOf(before) === canonicalOf(after) ? [] : [{ path, before, after }];
}

const canonicalOf = (value: unknown): string => (value === undefined ? '' : canonical(value));

const shown = ({ path, before, after }: Difference): AmendedField => ({
  path,
  ...(before === undefined ? {} : { before: textOf(before) }),
  ...(after === undefined ? {} : { after: textOf(after) }),
});

/** An address may carry a signature in its query. */
function textOf(value: unknown): string {
  const text = JSON.stringify(value).replace(/(https?:\/\/[^"\s?#]*)[?#][^"\s]*/gi, '$1?…');
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}
