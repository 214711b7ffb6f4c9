import { STATUS_CODES } from 'node:http';
import { HttpProblem } from './problem.ts';

/** What the framework and Node’s HTTP server refuse before a route is reached, in words of ours with a next step. */

export const bodyLimitBytes = 256 * 1024;

const json = 'Send one JSON object with the header Content-Type: application/json. Nothing was changed.';

const byCode: Record<string, [status: number, title: string, detail: string]> = {
  FST_ERR_BAD_URL: [
    400,
    'Invalid URL',
    'The path contains a % that does not start a valid UTF-8 escape. Check the percent-encoding of the URL and send the request again.',
  ],
  FST_ERR_MAX_PARAM_LENGTH: [414, 'URL too long', 'A part of the path is longer than any id. Copy the id from GET /v1/jobs.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'Unsupported Media Type', json],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'Empty body', `The request has no body. ${json}`],
  FST_ERR_CTP_INVALID_JSON_BODY: [
    400,
    'Invalid JSON',
    'The body is not valid JSON, or contains a key named __proto__ or constructor. Check it with `jq . FILE` and send it again. Nothing was changed.',
  ],
  FST_ERR_CTP_BODY_TOO_LARGE: [
    413,
    'Request too large',
    `The body is larger than ${bodyLimitBytes / 1024} KiB. Give a large template by its URL and SHA-256 (hsm.template.url). Nothing was changed.`,
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    400,
    'Incorrect Content-Length',
    'The body does not have as many bytes as Content-Length says. Let your HTTP client set that header. Nothing was changed.',
  ],
  HPE_HEADER_OVERFLOW: [431, 'Request headers too large', 'The request headers are larger than 16 KiB. Remove headers or cookies that this API does not need.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Request too large', 'The chunk extensions of the body are too large. Send the body with a Content-Length.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The request did not arrive completely in time. Send it again. Nothing was changed.'],
};

const invalidHttp = (): HttpProblem =>
  new HttpProblem(
    400,
    'Invalid HTTP request',
    'This is not a valid HTTP/1.1 request. Use an http:// URL without TLS, and let your HTTP client set the headers.',
  );

/** The problem for an error code of Fastify or of Node’s HTTP parser; undefined where it has none of its own. */
export function problemOfCode(code: string | undefined): HttpProblem | undefined {
  const known = code === undefined ? undefined : byCode[code];
  return known && new HttpProblem(...known);
}

/** The problem for a connection whose bytes Node could not read as a request. */
export const problemOfConnection = (code: string | undefined): HttpProblem => problemOfCode(code) ?? invalidHttp();

/** An error that names a status by itself, in the words that HTTP has for it. Only its text below 500 is meant for the client. */
export const problemOfStatus = (status: number, message: string): HttpProblem => new HttpProblem(status, STATUS_CODES[status] ?? 'Error', message);

export const missingHost = (): HttpProblem =>
  new HttpProblem(400, 'Missing Host header', 'HTTP/1.1 requires a Host header. Let your HTTP client set it, and send the request again.');
export const noTunnel = (): HttpProblem =>
  new HttpProblem(405, 'Method Not Allowed', 'This API is not a proxy. Remove it from the proxy settings of your HTTP client.');
export const unmetExpectation = (): HttpProblem =>
  new HttpProblem(417, 'Expectation Failed', 'The only supported expectation is 100-continue. Remove the Expect header and send the request again.');
export const shuttingDown = (): HttpProblem =>
  new HttpProblem(503, 'Shutting down', 'This API process is shutting down. Jobs continue. Send the request again in a few seconds.', {
    headers: { 'retry-after': '5' },
  });
