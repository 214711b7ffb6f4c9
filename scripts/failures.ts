// `node scripts/failures.ts`: writes docs/failures.md, the list of all failure codes, from the table in domain/failure-codes.ts.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { failureCodes } from '../domain/failure-codes.ts';
import { idsOf } from '../domain/steps.ts';

const file = fileURLToPath(new URL('../docs/failures.md', import.meta.url));

const titles: Readonly<Record<string, string>> = {
  WAITING: 'Waiting',
  AZURE: 'Azure',
  SSH: 'SSH',
  HSM: 'The HSM (LunaSH)',
  LUNACM: 'The partition (lunacm)',
  CLIENT: 'The Luna client',
  WINDOWS: 'The Windows host',
  CIPHERTRUST: 'CipherTrust Manager',
  SECRET: 'Secrets',
  RECORD: 'The target record',
  STORE: 'Storage of record and reports',
  WORKER: 'The worker',
  STEP: 'Steps',
  APPROVAL: 'Approvals',
};

const head = `# Failures

A step that cannot go on says what was tried, what happened (\`summary\`), what to do (\`remedy\`), and, where the system itself gave any, its words with
their source (\`evidence\`, verbatim: masked, and cut where it is long). Its \`code\` names the kind of situation. Codes never change: use them in alert rules and runbooks, not the texts.
They are in \`incidents[].problem.code\` of \`GET /v1/jobs/{id}\`, in the worker's log, and in the first detail of the failure in Temporal.

| Kind | Meaning |
|---|---|
| \`NotReady\` | Nothing is wrong: the step checks again later. |
| \`Transient\` | A temporary failure: the step retries by itself until its deadline, and only then opens an incident. |
| \`Refused\` | A person must change something first. |
| \`Unsafe\` | Acting would destroy or lock something, or the state is unknown: a person must check first. |

This file is generated: \`node scripts/failures.ts\`.
`;

const prefixOf = (code: string): string => code.split('_')[0]!;

/** The content of docs/failures.md. */
export function failuresText(): string {
  const codes = idsOf(failureCodes);
  const sections = Object.entries(titles).map(([prefix, title]) => {
    const rows = codes
      .filter((code) => prefixOf(code) === prefix)
      .map((code) => {
        const { kinds, meaning, action } = failureCodes[code];
        return `| \`${code}\` | ${kinds.map((kind) => `\`${kind}\``).join(', ')} | ${meaning} | ${action} |`;
      });
    return `\n## ${title}\n| Code | Kind | What happened | What to do |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return head + sections.join('');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(file, failuresText());
