import { Type } from 'typebox';
import { isFields, readFields } from '../foreign.ts';

/** An error as ARM and its providers tell it: nested, and often once more as JSON in a message. */
export interface ArmErrorBody {
  code?: string;
  message?: string;
  target?: string;
  details?: ArmErrorBody[];
  innererror?: ArmErrorBody;
  additionalInfo?: { type?: string; info?: Readonly<Record<string, unknown>> }[];
}

/** What is at the bottom of it. */
export interface ArmFault {
  code: string;
  message: string;
  /** The id of the resource that failed, where it is told. */
  target?: string;
}

/** Codes that only say that something inside failed. */
const wrappers = [
  'deploymentfailed',
  'resourcedeploymentfailure',
  'invalidtemplatedeployment',
  'multipleerrorsoccurred',
  'conflict',
  'badrequest',
  'forbidden',
];
/** Nobody nests deeper; what does is no error but a trap. */
const deepest = 12;

export function parsedJson(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

const texts = { code: Type.String(), message: Type.String(), target: Type.String() };

/** What can be read of an error: whatever answers in Azure’s place may put anything anywhere. */
function readError(value: Readonly<Record<string, unknown>>, depth = deepest): ArmErrorBody {
  const { details, innererror, additionalInfo } = value;
  const inner = (inside: unknown): ArmErrorBody[] => (isFields(inside) && depth > 0 ? [readError(inside, depth - 1)] : []);
  const [all, [innermore], more] = [listIn(details).flatMap(inner), inner(innererror), listIn(additionalInfo).flatMap(readInfo)];
  return {
    ...readFields(texts, value),
    ...(all.length > 0 ? { details: all } : {}),
    ...(innermore ? { innererror: innermore } : {}),
    ...(more.length > 0 ? { additionalInfo: more } : {}),
  };
}

const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function readInfo(value: unknown): NonNullable<ArmErrorBody['additionalInfo']> {
  const { type, info } = isFields(value) ? value : {};
  return typeof type === 'string' && isFields(info) ? [{ type, info }] : [];
}

/** The error in `{error: {…}}`, `{status, error: {…}}` or `{code, message}`, as an object or as text in JSON. */
export function errorIn(value: unknown): ArmErrorBody | undefined {
  const body = typeof value === 'string' ? parsedJson(value) : value;
  if (!isFields(body)) return undefined;
  const { error, code, message } = body;
  if (isFields(error)) return readError(error);
  return typeof code === 'string' || typeof message === 'string' ? readError(body) : undefined;
}

function leaves(error: ArmErrorBody, target: string | undefined, depth: number): ArmErrorBody[] {
  const own = error.target ?? target;
  const inner = [
    ...(error.details ?? []).filter((detail) => detail.code || detail.message),
    ...[errorIn(error.message), error.innererror?.message ? error.innererror : undefined].filter((one) => one !== undefined),
  ];
  if (inner.length === 0 || depth === 0) return [{ ...error, ...(own ? { target: own } : {}) }];
  return inner.flatMap((one) => leaves(one, own, depth - 1));
}

const isWrapper = ({ code }: ArmErrorBody): boolean => wrappers.includes((code ?? '').toLowerCase());
const isDeployment = (id: string | undefined): boolean => /\/Microsoft\.Resources\/deployments\/[^/]+$/i.test(id ?? '');

/** The innermost code and message, and the resource that they are about. */
export function innermost(error: ArmErrorBody): ArmFault {
  const all = leaves(error, undefined, deepest);
  const chosen = all.find((leaf) => !isWrapper(leaf)) ?? all[0]!;
  const target = [chosen.target, ...all.map((leaf) => leaf.target)].find((id) => id !== undefined && !isDeployment(id));
  return { code: chosen.code ?? 'Unknown', message: textOf(chosen), ...(target ? { target } : {}) };
}

/** A message for people: on one line, and with the name of the policy that said no. */
function textOf({ message = 'no message', additionalInfo = [] }: ArmErrorBody): string {
  const named = /"policyAssignment":\s*\{\s*"name":\s*"([^"]+)"/.exec(message)?.[1];
  const told = additionalInfo.find(({ type }) => type === 'PolicyViolation')?.info;
  const policy = told?.['policyAssignmentDisplayName'] ?? told?.['policyDefinitionDisplayName'] ?? named;
  const text = message
    .replace(/\s*Policy identifiers?:[\s\S]*$/i, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return policy === undefined || text.includes(`${policy}`) ? text : `${text} Policy: ${policy}`;
}

/** The title of an HTML page that came in place of an answer; undefined for anything else. */
export function pageTitle(text: string | null | undefined): string | undefined {
  if (!/^\s*<(!doctype|html|head|body)/i.test(text ?? '')) return undefined;
  const title = /<(title|h1|h2)[^>]*>([^<]+)</i.exec(text ?? '')?.[2]?.trim();
  return title ? `an HTML page, “${title.slice(0, 120)}”` : 'an HTML page';
}
