import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { accountName, isBlobName } from './clouds.ts';
import type { ArmReply } from './http.ts';
import type { AzureState } from './state.ts';
import { carried } from './tokens.ts';

/** A blob as it is stored. */
export interface StoredBlob {
  type: 'BlockBlob' | 'AppendBlob';
  content: string;
  etag: string;
  /** ms since the epoch. */
  modified: number;
}

export interface BlobRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
  base: string;
}

/** What is asked of the storage account, and how it answers. */
export interface BlobVisit {
  operation: string;
  target: string;
  destructive: boolean;
  answer(): ArmReply;
}

/** At the simulator's own address the path names the storage account, as emulators do. */
const account = `${accountName}account`;
/** Containers that are there from the beginning. */
const usualContainers = ['record', 'reports'];
const audience = 'https://storage.azure.com';
const pageSize = 5000;

type Containers = Record<string, Record<string, StoredBlob>>;

/** The data plane of Blob Storage: containers, block and append blobs. Undefined for any other path. */
export function blobs(state: AzureState, request: BlobRequest): BlobVisit | undefined {
  const [, container, name = ''] =
    new RegExp(`^/${account}/([^/]+)(?:/(.+))?$`).exec(isBlobName(request.base) ? `/${account}${request.path}` : request.path) ?? [];
  if (container === undefined) return undefined;
  state.blobs ??= Object.fromEntries(usualContainers.map((one) => [one, {}]));
  const what = kindOf(request, name);
  return {
    operation: `blob:${request.method} ${what}`,
    target: name === '' ? container : `${container}/${name}`,
    destructive: request.method === 'DELETE',
    answer: () => answer(state, request, { what, container, name }),
  };
}

function kindOf({ query }: BlobRequest, name: string): string {
  if (name === '') return query.get('comp') === 'list' ? 'list' : 'container';
  return query.get('comp') === 'appendblock' ? 'block' : 'blob';
}

interface Asked {
  what: string;
  container: string;
  name: string;
}

function answer(state: AzureState, request: BlobRequest, asked: Asked): ArmReply {
  const token = carried(state, request.headers.authorization);
  if (!token) return refusal(401, 'NoAuthenticationInformation', 'Server failed to authenticate the request.', challenge(state));
  if (token.endsAt <= Date.now()) return refusal(401, 'InvalidAuthenticationInfo', 'Lifetime validation failed. The token is expired.', challenge(state));
  if (token.audience !== audience) return refusal(401, 'InvalidAuthenticationInfo', 'Audience validation failed.', challenge(state));
  const containers = state.blobs!;
  if (`${request.method} ${asked.what}` === 'PUT container') return createContainer(containers, asked);
  const container = containers[asked.container];
  if (!container) return refusal(404, 'ContainerNotFound', 'The specified container does not exist.');
  switch (`${request.method} ${asked.what}`) {
    case 'GET list':
      return list(container, request.query, asked.container);
    case 'PUT blob':
      return put(container, request, asked.name);
    case 'PUT block':
      return append(container, request, asked.name);
    case 'GET blob':
    case 'HEAD blob':
      return read(container, asked.name);
    case 'DELETE blob':
      if (!container[asked.name]) return notFound();
      delete container[asked.name];
      return { status: 202 };
    default:
      return refusal(405, 'UnsupportedHttpVerb', 'The resource does not support the specified HTTP verb.');
  }
}

const challenge = ({ credentials, port }: AzureState): Record<string, string> => ({
  'www-authenticate': `Bearer authorization_uri=https://localhost:${port}/${credentials.tenantId}/oauth2/authorize resource_id=${audience}`,
});

function createContainer(containers: Containers, { container }: Asked): ArmReply {
  if (containers[container]) return refusal(409, 'ContainerAlreadyExists', 'The specified container already exists.');
  containers[container] = {};
  return { status: 201 };
}

const notFound = (): ArmReply => refusal(404, 'BlobNotFound', 'The specified blob does not exist.');

function put(container: Record<string, StoredBlob>, { headers, body }: BlobRequest, name: string): ArmReply {
  const type = headers['x-ms-blob-type'];
  if (type !== 'BlockBlob' && type !== 'AppendBlob')
    return refusal(400, 'InvalidHeaderValue', 'The value for one of the HTTP headers is not in the correct format.');
  if (headers['if-none-match'] === '*' && container[name]) return refusal(409, 'BlobAlreadyExists', 'The specified blob already exists.');
  return written((container[name] = { type, content: type === 'BlockBlob' ? body : '', ...stamp() }));
}

function append(container: Record<string, StoredBlob>, { body }: BlobRequest, name: string): ArmReply {
  const blob = container[name];
  if (!blob) return notFound();
  if (blob.type !== 'AppendBlob') return refusal(409, 'InvalidBlobType', 'The blob type is invalid for this operation.');
  const offset = Buffer.byteLength(blob.content);
  Object.assign(blob, { content: blob.content + body, ...stamp() });
  const { status, headers } = written(blob);
  return { status, headers: { ...headers, 'x-ms-blob-append-offset': `${offset}` } };
}

const stamp = (): Pick<StoredBlob, 'etag' | 'modified'> => ({ etag: `"0x${randomBytes(7).toString('hex').toUpperCase()}"`, modified: Date.now() });

const about = ({ etag, modified, type }: StoredBlob): Record<string, string> => ({
  etag,
  'last-modified': new Date(modified).toUTCString(),
  'x-ms-blob-type': type,
  'x-ms-version': '2025-07-05',
});

const written = (blob: StoredBlob): ArmReply => ({ status: 201, headers: { ...about(blob), 'x-ms-request-server-encrypted': 'true' } });

function read(container: Record<string, StoredBlob>, name: string): ArmReply {
  const blob = container[name];
  return blob ? { status: 200, body: blob.content, headers: { ...about(blob), 'content-type': 'application/octet-stream' } } : notFound();
}

function list(container: Record<string, StoredBlob>, query: URLSearchParams, name: string): ArmReply {
  const prefix = query.get('prefix') ?? '';
  const marker = query.get('marker') ?? '';
  const size = Math.min(Number(query.get('maxresults') ?? pageSize) || pageSize, pageSize);
  const from = Object.keys(container)
    .filter((blob) => blob.startsWith(prefix) && blob >= marker)
    .sort();
  const shown = from.slice(0, size).map((blob) => listed(blob, container[blob]!));
  const body = `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://localhost/${account}/" ContainerName="${name}"><Prefix>${escaped(prefix)}</Prefix><Blobs>${shown.join('')}</Blobs><NextMarker>${escaped(from[size] ?? '')}</NextMarker></EnumerationResults>`;
  return { status: 200, body, headers: xml };
}

const listed = (name: string, { type, content, etag, modified }: StoredBlob): string =>
  `<Blob><Name>${escaped(name)}</Name><Properties><Last-Modified>${new Date(modified).toUTCString()}</Last-Modified><Etag>${escaped(etag)}</Etag><Content-Length>${Buffer.byteLength(content)}</Content-Length><Content-Type>application/octet-stream</Content-Type><BlobType>${type}</BlobType></Properties></Blob>`;

const xml = { 'content-type': 'application/xml' };

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const refusal = (status: number, code: string, message: string, headers: Record<string, string> = {}): ArmReply => ({
  status,
  body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${escaped(message)}</Message></Error>`,
  headers: { ...xml, 'x-ms-error-code': code, ...headers },
});
