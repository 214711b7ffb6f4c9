/** A value as Microsoft writes it: Azure takes it in any letters. What is not among the known ones stays as it is. */
export const asWritten = (value: unknown, known: readonly string[]): unknown =>
  known.find((one) => typeof value === 'string' && one.toLowerCase() === value.toLowerCase()) ?? value;
