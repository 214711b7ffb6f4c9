import type { ProvisioningRequest } from '../request.ts';

/** A rule that a request breaks: where (JSON pointer) and why, in one sentence. */
export interface BrokenRule {
  path: string;
  message: string;
}

/** Rules of a request. One that reads what is missing or misshapen says nothing: that is a mistake of its own. */
export type Rules = (request: ProvisioningRequest) => BrokenRule[];

/** Thrown by reading a part of a request that is missing or misshapen. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

function unlessUnreadable(rule: () => BrokenRule[]): BrokenRule[] {
  try {
    return rule();
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}

/** Rules that do not depend on each other: where one cannot read its part of the request, the others still speak. */
export const together =
  (...rules: Rules[]): Rules =>
  (request) =>
    rules.flatMap((rule) => unlessUnreadable(() => rule(request)));

/** A rule for each item of a list; what cannot be read is left out. */
export const each = <Item>(list: readonly Item[], rule: (item: Item, index: number) => BrokenRule[]): BrokenRule[] =>
  Array.from({ length: list.length }, (_, index) => unlessUnreadable(() => rule(list[index]!, index))).flat();

export const violationUnless = (holds: boolean, path: string, message: string): BrokenRule[] => (holds ? [] : [{ path, message }]);
