import type { ProvisioningRequest } from '../request.ts';

/** A rule that a request breaks: where (JSON pointer) and why, in one sentence. */
export interface BrokenRule {
  path: string;
  message: string;
}

export type Rules = (request: ProvisioningRequest) => BrokenRule[];

export const broken = (holds: boolean, path: string, message: string): BrokenRule[] => (holds ? [] : [{ path, message }]);
