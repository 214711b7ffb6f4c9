import type { Engine } from '../engine.ts';
import type { Resource } from '../state.ts';

/** How a resource type behaves. */
export interface Kind {
  /** Completes and checks what was asked (an ArmError refuses it) and gives the minutes that it takes. */
  prepare(engine: Engine, resource: Resource, old: Resource | undefined): number;
  /** After it was stored. */
  stored?(engine: Engine, resource: Resource): void;
  removed?(engine: Engine, resource: Resource): void;
  /** The provisioning state while the operation runs; Updating where absent. */
  running?(engine: Engine, resource: Resource): string;
  /** The `properties` that are shown; all of them and the state where absent. */
  show?(engine: Engine, resource: Resource, provisioningState: string): Record<string, unknown>;
  /** Changes by themselves, such as checks that fail in mid-operation. */
  advance?(engine: Engine, resource: Resource): void;
  switchOn?(engine: Engine, resource: Resource): Promise<void>;
  failsEarly?: boolean;
  etag?: boolean;
  /** ARM’s long-running form: an operation to poll, or the resource’s own body. */
  polling: 'operation' | 'body';
  location?: string;
}
