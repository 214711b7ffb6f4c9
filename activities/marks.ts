import { type StepDefinition, type StepId, step, stepIds } from '../domain/steps.ts';
import { actOf, currentFence, type Fence, runWithFence } from '../systems/fence.ts';
import { type LastingActName, marksOf } from '../systems/lasting-acts.ts';

type Activity = (input: never) => Promise<unknown>;
type Marked = Pick<StepDefinition, 'erases' | 'discloses'>;

/**
 * Holds each activity to its line in the catalog: an act that erases or discloses gets no permit in a step that is not marked so. That such an act is on record
 * first is what `converge` sees to.
 */
export const withMarks = <Activities extends object>(activities: Activities): Activities =>
  Object.fromEntries(Object.entries(activities).map(([id, activity]: [string, Activity]) => [id, marked(id, activity)])) as Activities;

function marked(id: string, activity: Activity): Activity {
  const marks: Marked = stepIds.includes(id as StepId) ? step(id as StepId) : {};
  const within =
    (work: Activity): Activity =>
    (input) =>
      runWithFence(fenceWithin(id, marks), () => work(input));
  return Object.assign(within(activity), 'look' in activity ? { look: within(activity.look as Activity) } : {});
}

function fenceWithin(id: string, marks: Marked): Fence {
  const fence = currentFence();
  const mayDo = (act: LastingActName): void => {
    for (const mark of marksOf(act))
      if (!marks[mark]) throw new Error(`${act} was about to be sent, but the catalog does not say that ${id} ${mark} anything.`);
  };
  return {
    permit: async (sending) => {
      const act = actOf(sending);
      if (act !== undefined) mayDo(act);
      await fence.permit(sending);
    },
    remember: (detail) => fence.remember(detail),
    graceMs: fence.graceMs,
  };
}
