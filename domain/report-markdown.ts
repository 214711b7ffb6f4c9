import { sentence } from './failure.ts';
import type { Report } from './report.ts';
import { azureLines } from './report-azure.ts';
import { managerLines } from './report-manager.ts';

const section = (title: string, lines: string[]): string[] => (lines.length > 0 ? ['', `## ${title}`, '', ...lines] : []);
const bullets = (lines: string[]): string[] => lines.map((line) => `- ${line}`);
const table = (head: string[], rows: string[][]): string[] =>
  rows.length > 0
    ? [
        `| ${head.join(' | ')} |`,
        `|${head.map(() => '---').join('|')}|`,
        ...rows.map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|').replace(/\s*[\r\n]+\s*/g, ' ')).join(' | ')} |`),
      ]
    : [];

/** The report for people. */
export const reportMarkdown = (report: Report): string =>
  `${[
    ...head(report),
    ...section('Root of trust', rootOfTrust(report)),
    ...section('HSM', hsm(report)),
    ...section('Azure', bullets(azureLines(report.azure))),
    ...section('Steps', steps(report)),
    ...section('CipherTrust Manager', bullets(managerLines(report.manager))),
    ...section('Fingerprints', table(['Of', 'SHA-256'], Object.entries(report.fingerprints))),
    ...section('Certificates', certificates(report)),
    ...section('Secrets (names only)', bullets(report.secrets.map((name) => `\`${name}\``))),
    ...section('Approvals', approvals(report)),
    ...section('Decisions', decisions(report)),
    ...section('Incidents', incidents(report)),
    ...section('Request changes', amendments(report)),
    ...section('What exists', bullets(report.inventory ?? [])),
    ...section('Warnings', bullets(report.warnings)),
    ...section('What to do next', bullets(report.whatNext)),
    ...section('Transcripts', report.transcripts.flatMap(transcript)),
  ].join('\n')}\n`;

const head = ({ target, outcome, runId, startedAt, finishedAt, requestedBy, approvedBy }: Report): string[] => [
  `# Report: ${target}`,
  '',
  `Outcome: **${outcome}**. Run ${runId} started at ${startedAt} and finished at ${finishedAt}. Requested by ${requestedBy}.${approvedBy ? ` Erasing the HSM was approved by ${approvedBy}.` : ''}`,
];

function rootOfTrust({ cipherTrust }: Report): string[] {
  if (!cipherTrust) return [];
  const { version, entry, rootKeys, sealer } = cipherTrust;
  return bullets([
    `CipherTrust Manager ${version} lists the HSM ${entry.host}, partition serial ${entry.serial} (entry ${entry.id})`,
    `Root keys in the partition: ${rootKeys.join(', ')}${sealer ? `; master key sealed by ${sealer}` : ''}`,
  ]);
}

function hsm({ hsm: seen, partition }: Report): string[] {
  if (!seen) return [];
  return bullets([
    `Serial ${seen.serial}, label ${seen.label}, firmware ${seen.firmware}, software ${seen.software}, address ${seen.address ?? 'unknown'}`,
    `FIPS 140-2 approved operation: ${seen.fips ? 'on' : 'off'}`,
    ...(partition ? [`Partition ${partition.name}, serial ${partition.serial}, ${partition.sizeBytes} bytes`] : []),
  ]);
}

const steps = (report: Report): string[] =>
  table(
    ['Step', 'Section', 'State', 'Started', 'Finished', 'Attempts'],
    report.steps.map(({ id, phase, state, startedAt, finishedAt, attempts, outcome }) => [
      `\`${id}\``,
      phase,
      outcome && state === 'done' ? `${state}, ${outcome}` : state,
      startedAt ?? '',
      finishedAt ?? '',
      `${attempts}`,
    ]),
  );

const certificates = (report: Report): string[] =>
  table(
    ['Of', 'Valid until'],
    report.certificates.map(({ of, notAfter }) => [of, notAfter]),
  );

const approvals = (report: Report): string[] =>
  table(
    ['Approval', 'Asked', 'Outcome', 'By', 'Comment'],
    report.approvals.map(({ id, askedAt, outcome, decision }) => [id, askedAt, outcome ?? 'open', decision?.actor ?? '', decision?.comment ?? '']),
  );

const decisions = (report: Report): string[] =>
  table(
    ['Time', 'Decision', 'Question', 'Decided by', 'Verdict', 'Reason'],
    report.decisions.map(({ at, kind, about, actor, verdict, reason }) => [at, kind, about, actor, verdict, reason ?? '']),
  );

const incidents = (report: Report): string[] =>
  report.incidents.map(
    ({ id, step, problem, decision }) =>
      `- ${id} at \`${step}\` (${problem.code}): ${sentence(problem)} ${decision ? `→ ${decision.action} by ${decision.actor}` : ''}`,
  );

const amendments = (report: Report): string[] =>
  table(
    ['Time', 'Incident', 'Changed by', 'Field', 'Before', 'After'],
    report.amendments.flatMap(({ at, about, by, changes }) =>
      changes.map(({ path, before, after }) => [at, about, by, `\`${path}\``, before ?? 'absent', after ?? 'absent']),
    ),
  );

const transcript = ({ step, sha256, text }: Report['transcripts'][number]): string[] => [
  `### ${step}`,
  '',
  `SHA-256 \`${sha256}\``,
  '',
  '```text',
  text.trimEnd(),
  '```',
  '',
];
