import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import type { FastifyInstance } from 'fastify';
import { ProvisioningRequest } from '../../domain/request.ts';
import example from '../../examples/luna-kylo.json' with { type: 'json' };
import { answerSchemas } from '../schemas/answers.ts';

/** All mistakes at once; unknown fields are refused, not dropped; bodies are taken as they are, while queries are text by nature. */
export function validation(app: FastifyInstance): void {
  const compiler = (coerceTypes: boolean): Ajv => {
    const ajv = new Ajv({ allErrors: true, removeAdditional: false, useDefaults: false, coerceTypes, strict: false });
    (formats as unknown as (ajv: Ajv) => void)(ajv);
    ajv.addSchema(ProvisioningRequest);
    return ajv;
  };
  const [body, text] = [compiler(false), compiler(true)];
  // Whoever tries a route in Swagger UI begins with a request that can be carried out.
  app.addSchema({ ...ProvisioningRequest, examples: [example] });
  for (const schema of answerSchemas) app.addSchema(schema);
  // Schemas of answers describe; they never take anything out of one.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? body : text).compile(schema as object));
}
