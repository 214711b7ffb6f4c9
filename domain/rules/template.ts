import { type Rules, together, violationUnless } from './rule.ts';

/** The runbook’s four, in its order. Every template that deploys an HSM here takes them: the user’s own, too. */
export const templateParameters = ['ResourcePrefix', 'ExistingVNetName', 'ExistingHSMSubnetName', 'HSMResourceName'] as const;

/** A template in a request, in characters of JSON: the whole request goes into every history, so it must stay small. Microsoft’s own has a few KB. */
const maximumInlineLength = 65_536;

/** Of objects and lists in each other; nested deployments need about ten each. */
const maximumDepth = 200;

const hsmType = 'microsoft.hardwaresecuritymodules/dedicatedhsms';

interface Found {
  /** Below the template, as a JSON pointer. */
  path: string;
  message: string;
}

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What goes deeper than any template does: whatever looks through it by recursion would fail. */
function isTooDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maximumDepth) return true;
    level = level.flatMap((item): unknown[] => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  }
  return false;
}

/** All resources of a type that a template would deploy, nested deployments included. */
function allOf(type: string, value: unknown): Fields[] {
  if (Array.isArray(value)) return value.flatMap((item) => allOf(type, item));
  if (!isFields(value)) return [];
  const isOne = typeof value['type'] === 'string' && value['type'].toLowerCase() === type;
  return [...(isOne ? [value] : []), ...Object.values(value).flatMap((field) => allOf(type, field))];
}

/** Is a resource of a type deployed in a loop, its own or that of a deployment around it? How many that makes is not known before. */
function isCopied(type: string, value: unknown, inLoop = false): boolean {
  if (Array.isArray(value)) return value.some((item) => isCopied(type, item, inLoop));
  if (!isFields(value)) return false;
  const isResource = typeof value['type'] === 'string';
  const loops = inLoop || (isResource && 'copy' in value);
  if (loops && isResource && String(value['type']).toLowerCase() === type) return true;
  return Object.values(value).some((field) => isCopied(type, field, loops));
}

/** Of which SKU are the public addresses that a template makes? Basic where nothing is said (Azure’s default); unknown where there are none, or it is worked out. */
export function addressSkuOf(template: unknown): 'Basic' | 'Standard' | 'unknown' {
  const resources = isFields(template) ? template['resources'] : undefined;
  const skus = allOf('microsoft.network/publicipaddresses', resources).map(({ sku }) => {
    const name = isFields(sku) ? sku['name'] : 'Basic';
    return typeof name === 'string' ? name.toLowerCase() : '';
  });
  if (skus.includes('basic')) return 'Basic';
  return skus.length > 0 && skus.every((sku) => sku === 'standard') ? 'Standard' : 'unknown';
}

/** ARM takes parameters’ names in any case. */
function declared(parameters: Fields, name: string): Fields | undefined {
  const [, found] = Object.entries(parameters).find(([other]) => other.toLowerCase() === name.toLowerCase()) ?? [];
  return isFields(found) ? found : undefined;
}

/** Everything that speaks against deploying a template with the runbook’s four parameters. It is deployed unedited, so nothing can be mended here. */
export function templateProblems(template: unknown): Found[] {
  if (!isFields(template)) return [{ path: '', message: 'A template is a JSON object.' }];
  if (isTooDeep(template)) return [{ path: '', message: `A template is at most ${maximumDepth} levels deep.` }];
  const parameters = isFields(template['parameters']) ? template['parameters'] : {};
  const schema = template['$schema'];
  const hsms = allOf(hsmType, template['resources']).length;
  const needed: readonly string[] = templateParameters.map((name) => name.toLowerCase());
  return [
    ...(typeof schema === 'string' && /\/deploymentTemplate\.json#?$/i.test(schema)
      ? []
      : [{ path: '/$schema', message: 'This is no template for a resource group: its $schema does not end with deploymentTemplate.json.' }]),
    ...templateParameters.flatMap((name) => {
      const found = declared(parameters, name);
      if (!found) return [{ path: `/parameters/${name}`, message: `The template does not declare the parameter ${name}, one of the runbook’s four.` }];
      return String(found['type']).toLowerCase() === 'string'
        ? []
        : [{ path: `/parameters/${name}`, message: `The parameter ${name} must be of type string.` }];
    }),
    ...Object.entries(parameters)
      .filter(([name, field]) => !needed.includes(name.toLowerCase()) && !(isFields(field) && ('defaultValue' in field || field['nullable'] === true)))
      .map(([name]) => ({ path: `/parameters/${name}`, message: `The parameter ${name} has no default value, and only the runbook’s four are given.` })),
    ...(hsms === 1
      ? []
      : [{ path: '/resources', message: `A template must deploy exactly one Microsoft.HardwareSecurityModules/dedicatedHSMs; this one has ${hsms}.` }]),
    ...(isCopied(hsmType, template['resources'])
      ? [{ path: '/resources', message: 'A template must not deploy the HSM in a loop (copy): it makes one, not many.' }]
      : []),
  ];
}

const own = (holds: boolean, path: string, message: string) => violationUnless(holds, `/hsm/template${path}`, message);

/** Where a template comes from. */
const sourceRules = together(
  ({ hsm: { template } }) =>
    own(
      template === undefined || (template.inline === undefined) !== (template.url === undefined),
      '',
      'A template is given inline or by address: one of the two.',
    ),
  ({ hsm: { template } }) =>
    own(
      template === undefined || (template.sha256 === undefined) === (template.url === undefined),
      '/sha256',
      'A template behind an address needs its SHA-256, and an inline one has none.',
    ),
  ({ hsm: { template } }) =>
    own(typeof template?.url !== 'string' || template.url.toLowerCase().startsWith('https://'), '/url', 'A template is fetched over https only.'),
  ({ hsm: { template } }) =>
    own(
      typeof template?.url !== 'string' || !/[?#]|\/\/[^/]*@/.test(template.url),
      '/url',
      'An address with a query, such as a signature, must not be in a request: put it into the secret store and give { "secret": name }.',
    ),
);

const inlineRules: Rules = ({ hsm: { template } }) => {
  const inline = template?.inline;
  if (inline === undefined) return [];
  return [
    ...own(
      isTooDeep(inline) || JSON.stringify(inline).length <= maximumInlineLength,
      '/inline',
      `An inline template has at most ${maximumInlineLength} characters: give its address.`,
    ),
    ...templateProblems(inline).map(({ path, message }) => ({ path: `/hsm/template/inline${path}`, message })),
  ];
};

/** What is given about a template, and the template itself where it is in the request. */
export const templateRules = together(
  sourceRules,
  inlineRules,
  ({ hsm: { template, address } }) =>
    violationUnless(
      template === undefined || address === undefined,
      '/hsm/address',
      'With a template of your own the HSM’s address is the template’s affair: leave it out.',
    ),
  ({ hsm: { template, stamp } }) =>
    violationUnless(
      template === undefined || stamp === undefined,
      '/hsm/stamp',
      'With a template of your own the stamp is the template’s affair: leave it out.',
    ),
);
