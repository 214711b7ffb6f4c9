import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApprovalDecision, IncidentDecision } from '../../domain/decisions.ts';
import { type ApprovalView, type IncidentView, isOver, openApproval, openIncidents, type Progress } from '../../domain/progress.ts';
import { type Api, ApiError } from '../console/api.ts';
import { changes, type Seen } from '../console/changes.ts';
import { renderApproval, renderIncident } from '../console/questions.ts';
import type { Screen } from '../console/screen.ts';
import { renderTable } from '../console/table.ts';
import type { Tokens } from '../stack.ts';

export interface Following {
  api: Api;
  id: string;
  tokens: Tokens;
  screen: Screen;
  /** Decides without asking: approves, and aborts at an incident. */
  yes: boolean;
  /** Rejects when the person wants to leave or the stack broke. */
  interrupted: AbortSignal;
}

/** A decision is needed and there is nobody to ask. */
export class NobodyToAsk extends Error {
  override readonly name = 'NobodyToAsk';
}

const lookEveryMs = 500;

/** Shows the job until it is over and asks what must be asked. Resolves with how it ended. */
export async function follow(following: Following): Promise<Progress> {
  const { api, id, tokens, screen, interrupted } = following;
  const decided = new Set<string>();
  let before: Seen | undefined;
  for (;;) {
    interrupted.throwIfAborted();
    const seen = await api.look(id, tokens.operator).catch(unlessGone);
    if (seen) {
      show(screen, before, seen);
      before = seen;
      if (isOver(seen.progress.job.state)) return finish(screen, seen);
      await decide(following, seen.progress, decided).catch(unlessAway);
    }
    await sleep(lookEveryMs, undefined, { signal: interrupted });
  }
}

/** Between the start of a job and its first publication there is nothing to see yet. */
const unlessGone = (error: unknown): undefined => {
  if (error instanceof ApiError && (error.status === 404 || error.status === 503)) return undefined;
  throw error;
};

/** A decision that could not be sent is asked for again, once the API is back, unless it arrived. */
const unlessAway = (error: unknown): void => {
  if (!(error instanceof ApiError && error.status === 503)) throw error;
};

function show(screen: Screen, before: Seen | undefined, seen: Seen): void {
  const { progress, details } = seen;
  if (screen.live) screen.draw(renderTable(progress, details, { columns: screen.columns, rows: screen.rows, now: Date.now(), paint: screen.paint }));
  else screen.print(...changes(before, seen));
}

function finish(screen: Screen, { progress, details }: Seen): Progress {
  if (screen.live) screen.print(...renderTable(progress, details, { columns: screen.columns, rows: 1000, now: Date.now(), paint: screen.paint }));
  return progress;
}

async function decide(following: Following, progress: Progress, decided: Set<string>): Promise<void> {
  const incident = openIncidents(progress).find(({ id }) => !decided.has(id));
  const approval = openApproval(progress);
  if (incident) {
    following.screen.print('', ...renderIncident(incident), '');
    await resolveIncident(following, incident);
    decided.add(incident.id);
  } else if (approval && !decided.has(approval.id)) {
    following.screen.print('', ...renderApproval(approval), '');
    await answerApproval(following, approval);
    decided.add(approval.id);
  }
}

async function answerApproval({ api, id, tokens, screen, yes, interrupted }: Following, approval: ApprovalView): Promise<void> {
  const answer = yes ? 'yes' : await ask('Approve? [yes/no] ', ['yes', 'no'], interrupted);
  const decision = answer === 'yes' ? 'approve' : 'reject';
  await api.send(tokens.approver, 'POST', `/v1/jobs/${id}/approvals/${approval.id}`, {
    decision,
    actor: 'demo',
    comment: yes ? 'demo --yes' : 'demo',
  } satisfies ApprovalDecision);
  screen.print(decision === 'approve' ? `Approved ${approval.id}.` : `Rejected ${approval.id}.`, '');
}

async function resolveIncident({ api, id, tokens, screen, yes, interrupted }: Following, incident: IncidentView): Promise<void> {
  const action = yes ? 'abort' : await ask(`What now? [${incident.actions.join('/')}] `, incident.actions, interrupted);
  const decision: IncidentDecision = { action, actor: 'demo', comment: yes ? 'demo --yes' : 'demo' };
  await api.send(tokens.operator, 'POST', `/v1/jobs/${id}/incidents/${incident.id}`, decision);
  screen.print(`Decided: ${action}.`, '');
}

/** Asks until the answer is one of the choices. */
async function ask<Choice extends string>(question: string, choices: readonly Choice[], interrupted: AbortSignal): Promise<Choice> {
  if (!process.stdin.isTTY) throw new NobodyToAsk('A decision is needed, and there is no terminal to ask on.');
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  // A terminal in readline's hands gives Ctrl-C to readline and not to the process.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    for (;;) {
      const answer = (await lines.question(question, { signal: interrupted })).trim().toLowerCase();
      const choice = choices.find((known) => known === answer);
      if (choice) return choice;
      console.log(`Type ${choices.join(' or ')}.`);
    }
  } finally {
    lines.close();
  }
}
