import { existsSync, readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../../../shared/fixtures/', import.meta.url);

/** Is the recorded evidence there? It is other people’s and is read in place, beside the checkout. */
export const haveFixtures = existsSync(folder);

/** The text of a recorded file. */
export const fixture = (path: string): string => readFileSync(new URL(path, folder), 'utf8');

/** The names of the recorded files in a folder. */
export const fixtureNames = (path: string): string[] => readdirSync(new URL(path, folder));
