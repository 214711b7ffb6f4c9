import { ArmError } from '../http.ts';

/** What is wrong with a template, and where in the request. */
export class TemplateProblem extends Error {
  readonly path: string;

  constructor(reason: string, path = '') {
    super(reason);
    this.path = path;
  }
}

/** Runs something, and says of what goes wrong in it where that is; the innermost place counts. */
export function at<T>(path: string, what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof TemplateProblem) || error.path !== '') throw error;
    throw new TemplateProblem(`${what} is not valid: ${error.message}`, path);
  }
}

/** As ARM tells it. Lines are not known here; ARM, too, says 0 where it does not know them. */
export function invalidTemplate({ message, path }: TemplateProblem): ArmError {
  const info = { lineNumber: 0, linePosition: 0, path };
  return new ArmError(400, 'InvalidTemplate', `Deployment template validation failed: '${message}'.`, undefined, [{ type: 'TemplateViolation', info }]);
}

/** Something that must be an object. */
export function needObject(value: unknown, what: string, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new TemplateProblem(`${what} must be an object`, path);
}

export function needList(value: unknown, what: string, path: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new TemplateProblem(`${what} must be an array`, path);
}

/** A template is not silently half understood: whatever nothing here acts on is refused by name. */
export function onlyKnown(element: object, known: readonly string[], what: string, path: string): void {
  for (const [name, value] of Object.entries(element)) {
    if (value === null || known.includes(name)) continue;
    throw new TemplateProblem(`${what} has the property '${name}', which is not supported here; supported are: ${known.join(', ')}`, `${path}.${name}`);
  }
}
