import { same } from './handler.ts';
import { ArmError } from './http.ts';
import { parseId } from './ids.ts';

/** What a list of resources or groups can be narrowed by. */
interface Filtered {
  id: string;
  name: string;
  type?: string;
  location: string;
  tags?: Record<string, string>;
}

/** Narrows a list by `$filter`: comparisons with `eq` that are all to hold. Anything else is refused, never ignored. */
export function filtered<Item extends Filtered>(items: Item[], filter: string | null): Item[] {
  if (!filter) return items;
  const wanted = new Map(
    filter.split(/ and /i).map((part) => {
      const [, name, value] = /^\s*\(?\s*(\w+)\s+eq\s+'((?:[^']|'')*)'\s*\)?\s*$/i.exec(part) ?? [];
      if (!name) throw invalid(filter);
      return [name.toLowerCase(), value!.replaceAll("''", "'")];
    }),
  );
  return items.filter((item) => [...wanted].every(([name, value]) => holds(item, name, value, wanted, filter)));
}

const invalid = (filter: string) => new ArmError(400, 'InvalidFilterInQueryString', `Invalid $filter '${filter}' specified in the query string.`);

function holds(item: Filtered, name: string, value: string, wanted: Map<string, string>, filter: string): boolean {
  switch (name) {
    case 'resourcetype':
      return same(item.type ?? '', value);
    case 'resourcegroup':
      return same(parseId(item.id)?.group ?? '', value);
    case 'name':
      return same(item.name, value);
    case 'location':
      return same(item.location, value);
    case 'tagname':
      return Object.keys(item.tags ?? {}).some((key) => same(key, value));
    case 'tagvalue':
      return Object.entries(item.tags ?? {}).some(([key, tag]) => tag === value && same(key, wanted.get('tagname') ?? key));
    default:
      throw invalid(filter);
  }
}
