import type { Plan } from '../../domain/plan.ts';
import { titleOf } from '../../domain/progress.ts';
import { wrap } from './format.ts';

const width = 110;

const time = (minutes: number): string => (minutes < 90 ? `${Math.round(minutes)} minutes` : `${Math.floor(minutes / 60)} h ${Math.round(minutes % 60)} min`);

/** The plan for a person: what will be created, how long it takes and because of what, what is destroyed, what to think about. */
export function renderPlan({ summary, creates, criticalPath, estimateMinutes, destroys, warnings }: Plan, timeScale: number): string[] {
  const scaled = timeScale === 1 ? '' : `; here ${timeScale} times faster, so about ${Math.round((estimateMinutes * 60) / timeScale)} s`;
  return [
    ...wrap(summary, width),
    ...list(
      'Will be created if missing:',
      creates.map(({ kind, name, detail }) => `${kind} ${name}: ${detail}`),
    ),
    '',
    `Usually takes ${time(estimateMinutes)}${scaled}, plus the wait for the approval. Critical path:`,
    ...wrap(criticalPath.map(titleOf).join(' → '), width, '  '),
    ...list('Destroys:', destroys),
    ...list('Warnings:', warnings),
    '',
  ];
}

const list = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', title, ...lines.flatMap(bullet)]);

function bullet(text: string): string[] {
  const [first = '', ...rest] = wrap(text, width - 4);
  return [`  - ${first}`, ...rest.map((line) => `    ${line}`)];
}
