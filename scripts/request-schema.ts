// `node scripts/request-schema.ts`: writes two files from the schema that the API validates with: docs/request.schema.json, by which editors complete and check a
// request, and domain/request-shape.json, by which workflow code does.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ProvisioningRequest } from '../domain/request-schema.ts';

const inRepository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Editors show this beside a value that a pattern refuses; the schema's own word for it is known to our validator alone. */
const forEditors = (name: string, value: unknown): Record<string, unknown> =>
  name === 'x-must-be' ? { patternErrorMessage: `Must be ${value}.` } : { [name]: translated(value) };

function translated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(translated);
  if (typeof value !== 'object' || value === null) return value;
  return Object.assign({}, ...Object.entries(value).map(([name, inner]) => forEditors(name, inner)));
}

/** The content of docs/request.schema.json. */
export function editorSchemaText(): string {
  const head = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Provisioning request of the HSM provisioner',
    description:
      'The body of POST /v1/provisionings and POST /v1/plans. Beyond this shape the service checks rules between fields: POST /v1/plans lists every mistake.',
  };
  // Its name in the OpenAPI text is no address.
  const fields = Object.assign({}, ...Object.entries(ProvisioningRequest).flatMap(([name, value]) => (name === '$id' ? [] : [forEditors(name, value)])));
  return `${JSON.stringify({ ...head, ...fields }, null, 2)}\n`;
}

const forPeople = ['$id', 'description', 'examples', 'default'];

/** The content of domain/request-shape.json: what a value must be, without what is said to people beside it. */
export const requestShapeText = (): string =>
  `${JSON.stringify(ProvisioningRequest, (name, value) => (forPeople.includes(name) && typeof value !== 'object' ? undefined : value), 2)}\n`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(inRepository('docs/request.schema.json'), editorSchemaText());
  writeFileSync(inRepository('domain/request-shape.json'), requestShapeText());
}
