import { Type } from 'typebox';
import { idsOf, phases } from '../steps.ts';
import { stepId } from './progress.ts';

export const plannedThing = Type.Object({ kind: Type.String(), name: Type.String(), detail: Type.String() });

export const plannedStep = Type.Object({
  id: stepId,
  title: Type.String(),
  phase: Type.Enum(idsOf(phases)),
  usualMinutes: Type.Number(),
  critical: Type.Boolean(),
});

/** What a request will do, before anything is done: a pure function of it. */
export const plan = Type.Object({
  summary: Type.String(),
  creates: Type.Array(plannedThing),
  steps: Type.Array(plannedStep),
  criticalPath: Type.Array(stepId),
  estimateMinutes: Type.Integer({ description: 'Along the critical path; the wait for a person is not in it.' }),
  /** What is erased, in sentences. */
  destroys: Type.Array(Type.String()),
  warnings: Type.Array(Type.String()),
});

export const effect = Type.Enum(['Create', 'NoChange', 'Modify']);

export const whatIfChange = Type.Object({
  kind: plannedThing.properties.kind,
  name: plannedThing.properties.name,
  effect,
  /** What is changed about something that is there. */
  detail: Type.Optional(Type.String()),
});

/** What a request would change, by looking at what is there. */
export const whatIf = Type.Object(
  {
    changes: Type.Array(whatIfChange),
    problems: Type.Array(Type.String(), {
      description:
        'What a job would stop at, or wait for Microsoft to decide, in Azure as things are now: access to Dedicated HSM, sizes, images and terms (where the resource providers are registered), network, deployment (checked by Azure where the network is there), machines. What HSM and key manager would say is not asked.',
    }),
  },
  { description: 'With whatIf=true: what is there already.' },
);
