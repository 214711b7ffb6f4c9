import type { PlannedThing } from './plan.ts';
import type { Job } from './results.ts';

/** The second workflow beside `provision`: what a request would change, by looking at what is there. Nothing is changed. */
export const whatIfWorkflow = 'planWhatIf';

export type Effect = 'Create' | 'NoChange' | 'Modify';

export interface WhatIfChange extends Pick<PlannedThing, 'kind' | 'name'> {
  effect: Effect;
  /** What is changed about something that is there. */
  detail?: string;
}

export interface WhatIf {
  changes: WhatIfChange[];
  /** What a job would stop at in Azure, or wait long for, as things are now and as far as looking tells. */
  problems: string[];
}

/** The activity behind it. */
export interface WhatIfActivity {
  'what-if'(input: Job): Promise<WhatIf>;
}
