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
export function reportMarkdown(report: Report): string {
  const { hsm, partition, cipherTrust } = report;
  return `${[
    `# Report: ${report.target}`,
    '',
    `Outcome: **${report.outcome}**. Run ${report.runId}, from ${report.startedAt} to ${report.finishedAt}, requested by ${report.requestedBy}${report.approvedBy ? `, zeroizing approved by ${report.approvedBy}` : ''}.`,
    ...section(
      'Root of trust',
      cipherTrust
        ? bullets([
            `CipherTrust Manager ${cipherTrust.version} lists the HSM ${cipherTrust.entry.host}, partition serial ${cipherTrust.entry.serial} (entry ${cipherTrust.entry.id})`,
            `Root keys in the partition: ${cipherTrust.rootKeys.join(', ')}${cipherTrust.sealer ? `; master key sealed by ${cipherTrust.sealer}` : ''}`,
          ])
        : [],
    ),
    ...section(
      'HSM',
      hsm
        ? bullets([
            `Serial ${hsm.serial}, label ${hsm.label}, firmware ${hsm.firmware}, software ${hsm.software}, address ${hsm.address ?? 'unknown'}`,
            `FIPS 140-2 approved operation: ${hsm.fips ? 'on' : 'off'}`,
            ...(partition ? [`Partition ${partition.name}, serial ${partition.serial}, ${partition.sizeBytes} bytes`] : []),
          ])
        : [],
    ),
    ...section('Azure', bullets(azureLines(report.azure))),
    ...section(
      'Steps',
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
      ),
    ),
    ...section('CipherTrust Manager', bullets(managerLines(report.manager))),
    ...section('Fingerprints', table(['Of', 'SHA-256'], Object.entries(report.fingerprints))),
    ...section(
      'Certificates',
      table(
        ['Of', 'Valid until'],
        report.certificates.map(({ of, notAfter }) => [of, notAfter]),
      ),
    ),
    ...section('Secrets (names only)', bullets(report.secrets.map((name) => `\`${name}\``))),
    ...section(
      'Approvals',
      table(
        ['Approval', 'Asked', 'Outcome', 'By', 'Comment'],
        report.approvals.map(({ id, askedAt, outcome, decision }) => [id, askedAt, outcome ?? 'open', decision?.actor ?? '', decision?.comment ?? '']),
      ),
    ),
    ...section(
      'Decisions',
      table(
        ['At', 'What', 'About', 'By', 'Verdict', 'Reason'],
        report.decisions.map(({ at, kind, about, actor, verdict, reason }) => [at, kind, about, actor, verdict, reason ?? '']),
      ),
    ),
    ...section(
      'Incidents',
      report.incidents.map(
        ({ id, step, problem, decision }) =>
          `- ${id} at \`${step}\` (${problem.code}): ${sentence(problem)} ${decision ? `→ ${decision.action} by ${decision.actor}` : ''}`,
      ),
    ),
    ...section(
      'Changes of the request',
      table(
        ['At', 'With', 'By', 'Field', 'Before', 'After'],
        report.amendments.flatMap(({ at, about, by, changes }) =>
          changes.map(({ path, before, after }) => [at, about, by, `\`${path}\``, before ?? 'absent', after ?? 'absent']),
        ),
      ),
    ),
    ...section('What exists', bullets(report.inventory ?? [])),
    ...section('Warnings', bullets(report.warnings)),
    ...section('What to do next', bullets(report.whatNext)),
    ...section(
      'Transcripts',
      report.transcripts.flatMap(({ step, sha256, text }) => [`### ${step}`, '', `SHA-256 \`${sha256}\``, '', '```text', text.trimEnd(), '```', '']),
    ),
  ].join('\n')}\n`;
}
