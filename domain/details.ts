import { openApproval, openIncidents, type Progress } from './progress.ts';
import { catalogue, type PhaseId, phases, stepIds } from './steps.ts';

const marks = { pending: '·', running: '▶', done: '✔', skipped: '↷', 'not-needed': '–', failed: '✖', cancelled: '◼' } as const;

/** The step table in Markdown, with what is asked of a person on top: shown by the Temporal UI as the job’s current details. */
export function detailsOf(progress: Progress): string {
  const rows = stepIds.map((id) => {
    const { state, startedAt, finishedAt, attempts } = progress.steps[id];
    const { title, phase } = catalogue[id];
    return `| ${marks[state]} ${state} | ${title} | \`${id}\` | ${phases[phase as PhaseId]} | ${startedAt?.slice(11, 19) ?? ''} | ${finishedAt?.slice(11, 19) ?? ''} | ${attempts || ''} |`;
  });
  return [...asked(progress), '| State | Step | Id | Section | Started | Finished | Attempts |', '|---|---|---|---|---|---|---|', ...rows].join('\n');
}

function asked(progress: Progress): string[] {
  const approval = openApproval(progress);
  const forApproval = approval
    ? [
        `**Approval \`${approval.id}\` is needed:** ${approval.question} ${approval.loses} Until ${approval.deadline}.`,
        `Send the signal \`approve\` or \`reject\` with \`{"approvalId":"${approval.id}","decisionId":"any new id","actor":"your name"}\`.`,
        '',
      ]
    : [];
  const forIncidents = openIncidents(progress).flatMap(({ id, problem, step, actions }) => [
    `**Incident \`${id}\` at ${catalogue[step].title}:** ${problem.tried}: ${problem.seen} ${problem.remedy}`,
    `Send the signal \`resolve\` with \`{"incidentId":"${id}","decisionId":"any new id","actor":"your name","action":"${actions.join('" or "')}"}\`.`,
    '',
  ]);
  return [...forIncidents, ...forApproval];
}
