/** One line of what-if’s `delta`. */
export interface Difference {
  path: string;
  propertyChangeType: 'Create' | 'Delete' | 'Modify' | 'Array';
  before?: unknown;
  after?: unknown;
  children?: Difference[];
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/**
 * What is wanted, held against what is there. Only what is wanted is compared: what Azure adds of itself is no change. Two things are replaced as a whole,
 * so that what is not wanted any more goes: lists, and tags.
 */
export function differences(wanted: unknown, there: unknown, path = ''): Difference[] {
  if (wanted === null || wanted === undefined) return [];
  if (there === undefined || there === null) return isEmpty(wanted) ? [] : [{ path, propertyChangeType: 'Create', after: wanted }];
  if (Array.isArray(wanted)) return inList(wanted, Array.isArray(there) ? there : [there], path);
  if (!isRecord(wanted) || !isRecord(there)) return sameText(wanted, there) ? [] : [{ path, propertyChangeType: 'Modify', before: there, after: wanted }];
  const gone = path === 'tags' ? Object.keys(there).filter((name) => !(name in wanted)) : [];
  return [
    ...Object.entries(wanted).flatMap(([name, value]) => differences(value, there[name], below(path, name))),
    ...gone.map((name) => ({ path: below(path, name), propertyChangeType: 'Delete' as const, before: there[name] })),
  ];
}

/** Case does not count, as in ids, locations and names of Azure’s. */
const sameText = (wanted: unknown, there: unknown): boolean => String(wanted).toLowerCase() === String(there).toLowerCase();
const isEmpty = (value: unknown): boolean => isRecord(value) && Object.keys(value).length === 0;

/** Elements with names are the same where their names are; others where they stand at the same place. */
function inList(wanted: unknown[], there: unknown[], path: string): Difference[] {
  const nameOf = (value: unknown) => (isRecord(value) ? value['name'] : undefined);
  const named = [...wanted, ...there].every((item) => nameOf(item) !== undefined);
  const partner = (item: unknown, at: number, among: unknown[]) => (named ? among.find((other) => sameText(nameOf(other), nameOf(item))) : among[at]);
  const children = [
    ...wanted.flatMap((item, at): Difference[] => {
      const before = partner(item, at, there);
      if (before === undefined) return [{ path: `${at}`, propertyChangeType: 'Create', after: item }];
      const inner = differences(item, before);
      if (!isRecord(item)) return inner.map((one) => ({ ...one, path: `${at}` }));
      return inner.length > 0 ? [{ path: `${at}`, propertyChangeType: 'Modify', children: inner }] : [];
    }),
    ...there.flatMap((item, at): Difference[] =>
      partner(item, at, wanted) === undefined ? [{ path: `${at}`, propertyChangeType: 'Delete', before: item }] : [],
    ),
  ];
  return children.length > 0 ? [{ path, propertyChangeType: 'Array', children }] : [];
}
