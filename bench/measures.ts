export interface Measure {
  name: string;
  value: number;
  /** How the value is shown: `61.2 s`, `203`. */
  shown: string;
  /** The value must not be above it; absent where it is only reported. */
  limit?: number;
  /** The value must not be below it. */
  least?: number;
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) throw new Error('There is nothing to take the median of');
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The measures that are beyond their limit, or are no numbers at all. */
export const broken = (measures: readonly Measure[]): Measure[] =>
  measures.filter(({ value, limit = Number.POSITIVE_INFINITY, least = Number.NEGATIVE_INFINITY }) => !Number.isFinite(value) || value > limit || value < least);

/** The measures as a table. */
export function table(measures: readonly Measure[]): string[] {
  const bad = new Set(broken(measures));
  const rows = measures.map((measure) => [
    measure.name,
    measure.shown,
    measure.limit !== undefined ? `≤ ${measure.limit}` : measure.least !== undefined ? `≥ ${measure.least}` : '',
    bad.has(measure) ? 'OUTSIDE' : '',
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map(([name, shown, limit, verdict]) =>
    `${name!.padEnd(widths[0]!)}  ${shown!.padStart(widths[1]!)}  ${limit!.padEnd(widths[2]!)}  ${verdict}`.trimEnd(),
  );
}
