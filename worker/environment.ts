import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Reads settings from environment variables. What is wrong with them is kept, so that a person is told of every mistake at once; the value is of no use then. */
export class Environment {
  readonly variables: NodeJS.ProcessEnv;
  readonly mistakes: string[] = [];

  constructor(variables: NodeJS.ProcessEnv) {
    this.variables = variables;
  }

  /** A path in the data folder. */
  inDataFolder(name: string): string {
    return join(this.variables.HSM_DATA_FOLDER ?? '.data', name);
  }

  list(name: string): string[] {
    const parts = (this.variables[name] ?? '').split(',');
    return parts.map((part) => part.trim()).filter(Boolean);
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[], usual: Choice): Choice {
    const value = this.variables[name] ?? usual;
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) this.mistakes.push(`${name} must be one of ${choices.join(', ')}, it is "${value}"`);
    return chosen ?? usual;
  }

  milliseconds(name: string, usual: number): number {
    const value = Number(this.variables[name] ?? usual);
    if (!Number.isFinite(value) || value <= 0) this.mistakes.push(`${name} must be a number of milliseconds above 0, it is "${this.variables[name]}"`);
    return value;
  }

  /** What is in the file that it names. */
  file(name: string): string | undefined {
    const path = this.variables[name];
    if (!path) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch {
      this.mistakes.push(`${name} names a file that cannot be read: ${path}`);
      return undefined;
    }
  }

  /** The name of a file that can be read. */
  readable(name: string): string | undefined {
    return this.file(name) === undefined ? undefined : this.variables[name];
  }

  address(name: string, protocols: readonly string[], such: string): string | undefined {
    const url = this.variables[name];
    const parsed = url && URL.canParse(url) ? new URL(url) : undefined;
    if (parsed?.username || parsed?.password) this.mistakes.push(`${name} must not hold a user or a password`);
    else if (url && !(parsed && protocols.includes(parsed.protocol) && parsed.hostname !== ''))
      this.mistakes.push(`${name} must be an address such as ${such}, it is "${url}"`);
    return url;
  }
}
