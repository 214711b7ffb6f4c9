import { sentence } from './failure.ts';
import { type ApprovalView, openApproval, openIncidents, type Progress, type StepView } from './progress.ts';
import { idsOf, type StepDefinition } from './steps.ts';

const marks = { pending: '·', running: '▶', done: '✔', skipped: '↷', 'not-needed': '–', failed: '✖', cancelled: '◼' } as const;

/** Between columns: the UI leaves no room there, and Markdown keeps only spaces that do not break. */
const gap = '\u00a0\u00a0';

/** The sections and steps of a procedure, in order. */
export interface Outline<Id extends string> {
  phases: Readonly<Record<string, string>>;
  steps: Readonly<Record<Id, Pick<StepDefinition, 'phase' | 'title'>>>;
}

/**
 * The step table in Markdown, section by section, with what is asked of a person on top: shown by the Temporal UI as the job’s current details. The UI gives it half a page:
 * so there are few columns.
 */
export function detailsOf<Id extends string>(progress: Progress<Id>, { phases, steps }: Outline<Id>): string {
  const sections = Object.entries(phases).flatMap(([phase, title]) => [
    `| | **${title}** | | |`,
    ...idsOf(steps)
      .filter((id) => steps[id].phase === phase)
      .map((id) => row(steps[id].title, progress.steps[id])),
  ]);
  return [...asked(progress, steps), `| | Step | Started${gap} | Finished |`, '|---|---|---|---|', ...sections].join('\n');
}

function row(title: string, { state, startedAt, finishedAt, attempts, outcome }: StepView): string {
  const told = ['pending', 'running', 'done'].includes(state) ? [] : [state.replace('-', ' ')];
  const step = [title, ...told, ...(attempts > 1 ? [`attempt ${attempts}`] : []), ...(state === 'done' && outcome ? [outcome] : [])].join(' · ');
  return `| ${marks[state]}${gap} | ${step}${gap} | ${timeOf(startedAt)}${gap} | ${timeOf(finishedAt)} |`;
}

const timeOf = (at: string | undefined): string => at?.slice(11, 19) ?? '';

function asked<Id extends string>(progress: Progress<Id>, steps: Outline<Id>['steps']): string[] {
  const approval = openApproval(progress);
  const forApproval = approval
    ? [
        `**Approval \`${approval.id}\` is needed:** ${approval.question} ${approval.loses} Until ${approval.deadline}.`,
        ...partitionsOf(approval),
        `Send the signal \`approve\` or \`reject\` with \`{"approvalId":"${approval.id}","decisionId":"any new id","actor":"your name"}\`.`,
        '',
      ]
    : [];
  const forIncidents = openIncidents(progress).flatMap(({ id, problem, step, actions }) => [
    `**Incident \`${id}\` at ${steps[step].title} (${problem.code}):** ${sentence(problem)}`,
    `Send the signal \`resolve\` with \`{"incidentId":"${id}","decisionId":"any new id","actor":"your name","action":"${actions[0]}"}\`; the action is ${actions.map((action) => `\`${action}\``).join(' or ')}.`,
    '',
  ]);
  return [...forIncidents, ...forApproval];
}

/** What is lost, by name: the first ones, since an HSM may have a hundred. A name is whatever somebody once typed. */
const partitionsOf = ({ hsm }: ApprovalView): string[] => {
  const shown = (hsm?.partitions ?? [])
    .slice(0, 20)
    .map(({ name, serial, objects }) => `\`${name.replaceAll('`', "'")}\` (serial ${serial}, ${objects} object(s))`);
  const more = (hsm?.partitions.length ?? 0) - shown.length;
  return shown.length === 0 ? [] : [`Partitions: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`];
};
