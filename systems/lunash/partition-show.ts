/** A role of a partition, as lunacm’s `role show` or LunaSH’s `partition show` tell it. What is not told is undefined. */
export interface RoleShown {
  initialized: boolean | undefined;
  attemptsLeft: number | undefined;
  /** It still has its first password. */
  mustChange: boolean | undefined;
}

/** `partition show`: what is told of a role; no 7.x sample is known, so lines are found by their meaning (docs/reference/luna.md#partition-show). */
export function parsePartitionRole(text: string, role: 'Partition SO' | 'Crypto Officer'): RoleShown {
  const lines = text.split('\n').filter((line) => line.trim().toLowerCase().startsWith(role.toLowerCase()));
  const told = (what: string) => lines.map((line) => new RegExp(`${what}\\s*:\\s*(.+)$`, 'i').exec(line)?.[1]?.trim()).find((value) => value !== undefined);
  const left = /^(\d+)/.exec(told('Login Attempts Left') ?? '')?.[1];
  const change = told('PIN To Be Changed');
  const isLocked = /^yes/i.test(told('Locked Out') ?? told('Zeroized') ?? '');
  return {
    initialized: lines.some((line) => /not (?:yet )?initiali[sz]ed/i.test(line)) ? false : lines.length > 0 ? true : undefined,
    attemptsLeft: isLocked ? 0 : left === undefined ? undefined : Number(left),
    mustChange: change === undefined ? undefined : /^yes/i.test(change),
  };
}

/** What two sources tell of a role: each may know what the other does not, and the more careful counts. */
export function together(one: RoleShown | undefined, other: RoleShown | undefined): RoleShown {
  const attempts = [one, other].map((role) => role?.attemptsLeft).filter((left) => left !== undefined);
  const either = (of: 'initialized' | 'mustChange'): boolean | undefined => (one?.[of] === true || other?.[of] === true ? true : (one?.[of] ?? other?.[of]));
  return {
    initialized: either('initialized'),
    attemptsLeft: attempts.length > 0 ? Math.min(...attempts) : undefined,
    mustChange: either('mustChange'),
  };
}
