import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv, type ValidateFunction } from 'ajv';
import oav from 'oav';
import type { Exchange } from '../../simulator/azure/capture.ts';

const folder = new URL('../../../shared/fixtures/azure/', import.meta.url);
const commonTypes = 'specification/common-types/resource-management/v5/types.json';

/** What was found about one exchange. Nothing found is good. */
export interface Verdict {
  /** The operation as the specification calls it. */
  operation: string;
  findings: string[];
}

type Info = NonNullable<Parameters<oav.LiveValidator['validateLiveRequest']>[2]>;
type Result = Awaited<ReturnType<oav.LiveValidator['validateLiveRequest']>>;

/** Addresses whose last `/providers/` names no provider but something that Microsoft.Features or Microsoft.Resources is asked about: oav looks in the wrong drawer. */
const drawers: [path: RegExp, provider: string][] = [
  [/^\/subscriptions\/[^/]+\/providers\/Microsoft\.Features\//i, 'microsoft.features'],
  [/^\/subscriptions\/[^/]+\/providers(\/[^/]+(\/(register|unregister))?)?$/i, 'microsoft.unknown'],
];

/** Microsoft’s own specification as a judge: oav’s LiveValidator over the files on disk, and their schema for asynchronous operations where oav knows no path. */
export class Specification {
  readonly #validator: oav.LiveValidator;
  readonly #operationStatus: ValidateFunction;
  /** Addresses to be polled that were given: for a Location, the request that it belongs to. */
  readonly #locations = new Map<string, { method: string; url: string }>();
  readonly #operations = new Set<string>();

  static async load(): Promise<Specification> {
    const validator = new oav.LiveValidator(
      {
        // Its patterns do not match through a link.
        directory: realpathSync(fileURLToPath(folder)),
        git: { shouldClone: false },
        swaggerPathsPattern: ['specification/**/resource-manager/**/*.json'],
        excludedSwaggerPathsPattern: ['**/examples/**/*', '**/common-types/**/*'],
        isPathCaseSensitive: false,
        loadValidatorInBackground: false,
      },
      () => {},
    );
    await validator.initialize();
    const ajv = new Ajv({ strict: false, formats: { 'date-time': true, double: true, 'arm-id': true } });
    ajv.addSchema(JSON.parse(readFileSync(new URL(commonTypes, folder), 'utf8')), 'types');
    return new Specification(validator, ajv.compile({ $ref: 'types#/definitions/OperationStatusResult' }));
  }

  constructor(validator: oav.LiveValidator, operationStatus: ValidateFunction) {
    this.#validator = validator;
    this.#operationStatus = operationStatus;
  }

  /** To be called in the order of the capture: addresses to be polled are known from the answers that gave them. */
  async check({ request, response }: Exchange): Promise<Verdict> {
    const verdict = await this.#judge(request, response);
    this.#remember(request, response);
    return verdict;
  }

  async #judge(request: Exchange['request'], response: Exchange['response']): Promise<Verdict> {
    if (this.#operations.has(request.url)) return this.#polled(response);
    const original = this.#locations.get(request.url);
    const asked = original ?? request;
    const requested = original ? undefined : await this.#validator.validateLiveRequest(liveRequest(request), {}, this.#info(request));
    const answered =
      response && (await this.#validator.validateLiveResponse(liveResponse(response), { url: asked.url, method: asked.method }, {}, this.#info(asked)));
    return {
      operation: (requested ?? answered)!.operationInfo.operationId,
      findings: [...(requested ? findings('request', requested) : []), ...(answered ? findings('response', answered) : [])],
    };
  }

  #polled(response: Exchange['response']): Verdict {
    const good = response === undefined || response.status >= 400 || (response.status === 200 && this.#operationStatus(response.body));
    return { operation: 'OperationStatusResult', findings: good ? [] : [`response: ${JSON.stringify(this.#operationStatus.errors)}`] };
  }

  #info({ url, method }: { url: string; method: string }): Info {
    const { pathname, host, searchParams } = new URL(url);
    const drawer = drawers.find(([path]) => path.test(pathname));
    const info = { apiVersion: 'unknown', operationId: 'unknown' };
    if (!drawer) return info;
    const query = Object.fromEntries([...searchParams].map(([name, value]) => [name.toLowerCase(), value.toLowerCase()]));
    const named = { providerNamespace: drawer[1], resourceType: '', apiVersion: query['api-version'] ?? '', requestMethod: method.toLowerCase() as 'get' };
    return { ...info, validationRequest: { ...named, host, pathStr: pathname, query, requestUrl: url, correlationId: '', activityId: '' } };
  }

  #remember({ method, url }: Exchange['request'], response: Exchange['response']): void {
    const { location, 'azure-asyncoperation': operation } = response?.headers ?? {};
    if (location) this.#locations.set(location, this.#locations.get(url) ?? { method, url });
    if (operation) this.#operations.add(operation);
  }
}

type LiveRequest = Parameters<oav.LiveValidator['validateLiveRequest']>[0];
type LiveResponse = Parameters<oav.LiveValidator['validateLiveResponse']>[0];

const liveRequest = ({ method, url, headers, body }: Exchange['request']): LiveRequest => ({
  method,
  url,
  headers,
  query: Object.fromEntries(new URL(url).searchParams),
  body: structuredClone(body) as never,
});

const liveResponse = ({ status, headers, body }: NonNullable<Exchange['response']>): LiveResponse => ({
  statusCode: `${status}`,
  headers,
  body: structuredClone(body) as never,
});

/** Unmatched is failed: `isSuccessful` is then undefined. */
function findings(which: string, { isSuccessful, errors, runtimeException }: Result): string[] {
  if (isSuccessful === true) return [];
  if (isSuccessful === undefined) return [`${which}: not in the specification: ${runtimeException?.code} ${runtimeException?.message}`];
  return errors.map(({ code, message, pathsInPayload }) => `${which}: ${code} ${message} ${pathsInPayload.join(', ')}`);
}
