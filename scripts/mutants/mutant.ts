import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A bug to plant, as its patch describes it. */
export interface Mutant {
  name: string;
  /** The patch. */
  file: string;
  /** What is wrong with the product once it is planted. */
  why: string;
  /** `file:line` of the first change. */
  where: string;
  /** Which tests should find it: arguments of mocha. */
  selection: string[];
}

/** All planted bugs of a folder, by name. Throws where a patch does not describe itself. */
export const readMutants = (folder: string): Mutant[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.patch'))
    .sort()
    .map((name) => readMutant(join(folder, name), readFileSync(join(folder, name), 'utf8')));

export function readMutant(file: string, text: string): Mutant {
  const line = (pattern: RegExp) => pattern.exec(text)?.[1];
  const [why, selection, where] = [line(/^# (?!found by:)(.+)$/m), line(/^# found by: (.+)$/m), whereIn(text)];
  if (!why || !selection || !where) throw new Error(`${file} must start with "# what is wrong" and "# found by: mocha arguments", then change one file.`);
  return { name: basename(file, '.patch'), file, why, where, selection: argumentsIn(selection) };
}

function whereIn(patch: string): string | undefined {
  const [, path, first, hunk = ''] = /^\+\+\+ b\/(\S+)\n@@ -(\d+)[^\n]*\n([\s\S]*)/m.exec(patch) ?? [];
  return path && `${path}:${Number(first) + hunk.split('\n').findIndex((line) => /^[-+]/.test(line))}`;
}

const argumentsIn = (line: string): string[] => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
