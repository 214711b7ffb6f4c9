/** An IPv4 range as numbers; `last` is inclusive. */
export interface Range {
  first: number;
  last: number;
  bits: number;
}

/** The number of a dotted address; undefined where it is none. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** A range in CIDR notation; undefined where it is none, or where bits are set right of the prefix. */
export function parseRange(text: string): Range | undefined {
  const [address = '', prefix = ''] = text.split('/');
  const first = parseAddress(address);
  if (first === undefined || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32) return undefined;
  const size = 2 ** (32 - Number(prefix));
  return first % size === 0 ? { first, last: first + size - 1, bits: Number(prefix) } : undefined;
}

export const contains = (outer: Range, inner: Range): boolean => outer.first <= inner.first && inner.last <= outer.last;
export const overlap = (a: Range, b: Range): boolean => a.first <= b.last && b.first <= a.last;

/** Azure keeps the first four addresses of a subnet and the last one for itself. */
export const usable = (range: Range, address: number): boolean => address >= range.first + 4 && address < range.last;
