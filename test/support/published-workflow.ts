import type { SearchAttributePair } from '@temporalio/common';
import { condition, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';

export interface Published {
  memo?: Record<string, unknown>;
  attributes?: SearchAttributePair[];
  /** Fails the workflow’s task, again and again, with this message. */
  throws?: string;
}

/** A job that publishes what the test gives it, and then waits for ever; or one whose own code is broken. */
export async function provision({ memo, attributes, throws }: Published): Promise<void> {
  if (throws !== undefined) throw new Error(throws);
  if (memo) upsertMemo(memo);
  if (attributes) upsertSearchAttributes(attributes);
  await condition(() => false);
}
