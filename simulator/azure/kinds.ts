import { compute } from './kinds/compute.ts';
import { hsm } from './kinds/hsm.ts';
import type { Kind } from './kinds/kind.ts';
import { network } from './kinds/network.ts';

/** What is special about each resource type, by its lower-cased name. */
export const kinds: Record<string, Kind> = { ...network, ...compute, ...hsm };
