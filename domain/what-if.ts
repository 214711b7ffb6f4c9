import type { Static } from 'typebox';
import type { StepContext } from './results.ts';
import type * as schemas from './schemas/plan.ts';

/** The second workflow beside `provision`: what a request would change, by looking at what is there. Nothing is changed. */
export const whatIfWorkflow = 'planWhatIf';

export type Effect = Static<typeof schemas.effect>;
export type WhatIfChange = Static<typeof schemas.whatIfChange>;
export type WhatIf = Static<typeof schemas.whatIf>;

/** The activity behind it. */
export interface WhatIfActivity {
  'what-if'(input: StepContext): Promise<WhatIf>;
}
