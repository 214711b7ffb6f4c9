/** What requests use of JSON Schema. */
export interface Schema {
  type?: string;
  const?: unknown;
  enum?: readonly unknown[];
  anyOf?: readonly Schema[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  additionalProperties?: boolean;
  patternProperties?: Record<string, Schema>;
  'x-must-be'?: string;
}

export type Check = (schema: Schema, value: unknown) => boolean;

/**
 * Does a value fit a schema? For workflow code, where the schema library has no place; whoever has it asks the library, and a test holds the two together. An
 * address is looked at no closer than that it is one.
 */
export const fits: Check = (schema, value) =>
  hasType(schema.type, value) &&
  (schema.const === undefined || schema.const === value) &&
  (schema.enum?.includes(value) ?? true) &&
  (schema.anyOf?.some((one) => fits(one, value)) ?? true) &&
  (typeof value !== 'string' || fitsAsText(schema, value)) &&
  (typeof value !== 'number' || within(value, schema.minimum, schema.maximum)) &&
  (!Array.isArray(value) || fitsAsList(schema, value)) &&
  (!isFields(value) || schema.type !== 'object' || fitsAsFields(schema, value));

function hasType(type: string | undefined, value: unknown): boolean {
  switch (type) {
    case undefined:
      return true;
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return Number.isFinite(value);
    case 'object':
      return isFields(value);
    case 'array':
      return Array.isArray(value);
    default:
      return typeof value === type;
  }
}

const formats: Record<string, RegExp> = {
  ipv4: /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/,
  uuid: /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i,
  uri: /^[a-z][a-z0-9+\-.]*:[^\s"<>\\^`{|}]+$/i,
};

const fitsAsText = ({ format = '', pattern, minLength, maxLength }: Schema, text: string): boolean =>
  within([...text].length, minLength, maxLength) &&
  (pattern === undefined || new RegExp(pattern, 'u').test(text)) &&
  (!Object.hasOwn(formats, format) || formats[format]!.test(text));

const fitsAsList = ({ items = {}, minItems, maxItems }: Schema, list: unknown[]): boolean =>
  within(list.length, minItems, maxItems) && list.every((item) => fits(items, item));

function fitsAsFields({ properties = {}, required = [], patternProperties = {}, additionalProperties }: Schema, value: Fields): boolean {
  const [anyField] = Object.values(patternProperties);
  const isRight = ([name, inner]: [string, unknown]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : anyField;
    return known ? fits(known, inner) : additionalProperties !== false;
  };
  return required.every((name) => Object.hasOwn(value, name)) && Object.entries(value).every(isRight);
}

const within = (size: number, least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY): boolean => size >= least && size <= most;

export type Fields = Record<string, unknown>;
export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
