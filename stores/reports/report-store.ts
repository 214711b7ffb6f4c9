import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobContainer } from '../blob-container.ts';
import { replaceFile } from '../durable.ts';

/** In which forms a report is stored, and how their names end. */
const endings = { json: '.json', markdown: '.md' } as const;

export type ReportForm = keyof typeof endings;
export const reportForms = Object.keys(endings) as ReportForm[];

/** The reports of all runs, each once as JSON and once as Markdown, beyond the time that the engine keeps them. */
export interface ReportStore {
  /** Stores a report in both forms in place of whatever is there; a reader sees each form whole, the old one or the new one. */
  put(name: string, texts: Record<ReportForm, string>): Promise<void>;
  /** Undefined where there is none. */
  read(name: string, form: ReportForm): Promise<string | undefined>;
  /** The names that begin with the prefix and have both forms, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Where it is stored, for a person. */
  placeOf(name: string, form: ReportForm): string;
}

/** The name of a run's report. */
export const reportName = (target: string, runId: string): string => `${target}-${runId}`;

const fileOf = (name: string, form: ReportForm): string => {
  if (!/^[A-Za-z0-9-]{1,200}$/.test(name)) throw new Error(`"${name}" cannot be the name of a report: it must have 1 to 200 letters, digits and dashes.`);
  return `${name}${endings[form]}`;
};

export function folderReports(folder: string): ReportStore {
  const placeOf = (name: string, form: ReportForm) => join(folder, fileOf(name, form));
  return {
    placeOf,
    async put(name, texts) {
      for (const form of reportForms) await replaceFile(placeOf(name, form), texts[form]);
    },
    async read(name, form) {
      try {
        return await readFile(placeOf(name, form), 'utf8');
      } catch (error) {
        return unlessAbsent(error, undefined);
      }
    },
    async list(prefix) {
      const files = await readdir(folder).catch((error: unknown) => unlessAbsent<string[]>(error, []));
      return completeNames(files, prefix);
    },
  };
}

/** Beside the transcripts in the same container, laid out as in a folder. */
export function blobReports(container: BlobContainer): ReportStore {
  return {
    placeOf: (name, form) => `${container.url.replace(/\/$/, '')}/${fileOf(name, form)}`,
    async put(name, texts) {
      for (const form of reportForms) await container.write(fileOf(name, form), texts[form], { isFirst: false });
    },
    read: (name, form) => container.read(fileOf(name, form)),
    list: async (prefix) => completeNames(await container.list(prefix), prefix),
  };
}

/** A report is complete once its last form is written. */
function completeNames(files: string[], prefix: string): string[] {
  const names = files.filter((file) => file.endsWith(endings.markdown) && !file.includes('/')).map((file) => file.slice(0, -endings.markdown.length));
  return names.filter((name) => name.startsWith(prefix) && files.includes(`${name}${endings.json}`)).sort();
}

/** Not being there is an answer; whatever else is wrong with a folder is none. */
function unlessAbsent<Answer>(error: unknown, answer: Answer): Answer {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return answer;
  throw error;
}
