import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import type { FastifyInstance } from 'fastify';
import { ProvisioningRequest } from '../../domain/request-schema.ts';
import { validateRequest } from '../../domain/validate.ts';
import exampleFile from '../../examples/luna-kylo.json' with { type: 'json' };
import { brokenRules, explained, misshapen } from '../misshapen.ts';
import type { HttpProblem } from '../problem.ts';
import { answerSchemas } from '../schemas/responses.ts';

/** Its $schema is a path in the repository, which means nothing to a client. */
const { $schema: _, ...example } = exampleFile;

/** The body of a route that takes a request: its schema is for the documentation, its validation the domain’s. */
export const requestBody = { $ref: 'ProvisioningRequest#' };
const isRequestBody = (schema: object): boolean => '$ref' in schema && schema.$ref === requestBody.$ref;

type Checked = { value: unknown } | { error: HttpProblem };

/** All mistakes at once; unknown fields are refused, not dropped; bodies are taken as they are, while queries are text by nature. */
export function validation(app: FastifyInstance): void {
  const compiler = (coerceTypes: boolean): Ajv => {
    const ajv = new Ajv({ allErrors: true, removeAdditional: false, useDefaults: false, coerceTypes, strict: false });
    (formats as unknown as (ajv: Ajv) => void)(ajv);
    return ajv;
  };
  const [body, text] = [compiler(false), compiler(true)];
  // Whoever tries a route in Swagger UI begins with a request that can be carried out.
  app.addSchema({ ...ProvisioningRequest, examples: [example] });
  for (const schema of answerSchemas) app.addSchema(schema);
  // Schemas of answers describe; they never take anything out of one.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.setValidatorCompiler<object>(({ schema, httpPart }) => {
    if (isRequestBody(schema)) return checkedRequest;
    const fits = (httpPart === 'body' ? body : text).compile(schema);
    return (value: unknown): Checked => (fits(value) ? { value } : { error: explained(schema, value, httpPart) });
  });
}

function checkedRequest(value: unknown): Checked {
  const validated = validateRequest(value);
  if (validated.ok) return { value: validated.request };
  return { error: validated.isMisshapen ? misshapen(validated.mistakes) : brokenRules(validated.mistakes) };
}
