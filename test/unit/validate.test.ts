import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { Value } from 'typebox/value';
import { ProvisioningRequest as schema } from '../../domain/request-schema.ts';
import { mistakesOfShape } from '../../domain/request-shape.ts';
import { inspect } from '../../domain/shape.ts';
import { validateRequest } from '../../domain/validate.ts';
import { exampleRequest } from '../support/example.ts';

const mistakesIn = (value: unknown): { path: string; message: string }[] => {
  const validated = validateRequest(value);
  return validated.ok ? [] : validated.mistakes;
};
/** The example with one value changed; `undefined` removes it. */
function changed(path: string, value: unknown, from: unknown = exampleRequest()): unknown {
  const names = path.split('/').slice(1);
  const last = names.pop()!;
  const inner = names.reduce<unknown>((fields, name) => Reflect.get(fields as object, name), from) as object;
  if (value === undefined) Reflect.deleteProperty(inner, last);
  else Reflect.set(inner, last, value);
  return from;
}
const paths = (value: unknown, path = ''): string[] =>
  typeof value === 'object' && value !== null ? [path, ...Object.entries(value).flatMap(([name, inner]) => paths(inner, `${path}/${name}`))] : [path];

describe('The one validator of requests', () => {
  for (const name of readdirSync(new URL('../../examples/', import.meta.url)))
    it(`takes ${name}, and leaves out what is for editors`, () => {
      const request = exampleRequest(name.replace('.json', ''));
      const validated = validateRequest({ ...request, $schema: '../docs/request.schema.json' });
      assert.ok(validated.ok, JSON.stringify(validated));
      assert.ok(!('$schema' in validated.request));
    });

  it('names mistakes of shape and broken rules at once, each where it is and in one sentence', () => {
    const request = exampleRequest();
    changed('/azure/adminSources', ['0.0.0.0/0', 5, 'somewhere'], request);
    changed('/azure/access', 'publik', request);
    changed('/network/gateway/range', '172.22.255.0/28', request);
    changed('/hsm/partition/sizeBytes', 'abc', request);
    changed('/hsm/label', '1st', request);
    changed('/lunaClient/installer/url', 'http://example.com/x.exe', request);
    changed('/lunaClient/vmName', undefined, request);
    changed('/cipherTrust/licence', 'trial', request);
    changed('/cipherTrust/license', undefined, request);
    assert.deepEqual(
      mistakesIn(request).sort((a, b) => a.path.localeCompare(b.path)),
      [
        { path: '/azure/access', message: 'Must be one of "public", "private", is "publik". Did you mean public?' },
        { path: '/azure/adminSources/0', message: '0.0.0.0/0 would open the hosts, which start with default passwords, to everybody.' },
        { path: '/azure/adminSources/1', message: 'Must be text, is 5.' },
        { path: '/azure/adminSources/2', message: 'somewhere is no IPv4 address or range of /8 or smaller, such as 203.0.113.0/24.' },
        { path: '/cipherTrust/licence', message: 'Unknown field /cipherTrust/licence. Did you mean license?' },
        { path: '/hsm/label', message: 'A label starts with a letter and has at most 32 letters, digits, - _ and dots.' },
        { path: '/hsm/partition/sizeBytes', message: 'Must be a whole number of at least 1, is "abc".' },
        { path: '/lunaClient/installer/url', message: 'The installer is fetched over https only.' },
        { path: '/lunaClient/vmName', message: 'Missing required field /lunaClient/vmName.' },
        { path: '/network/gateway/range', message: 'GatewaySubnet must be /27 or larger.' },
      ],
    );
  });

  const sentences: [path: string, value: unknown, at: string, message: RegExp][] = [
    ['/azure/subscriptionId', 'x', '/azure/subscriptionId', /^Must be a UUID such as [\w-]+, is "x"\.$/],
    ['/azure/cloud', 'usgov', '/azure/cloud', /^Must be one of "public", "usgovernment", "china", is "usgov"\.$/],
    ['/azure/tags', { Environment: 5 }, '/azure/tags/Environment', /^Must be text, is 5\.$/],
    ['/azure/adminSources', [], '/azure/adminSources', /^Must be a list of 1 to 20 items, has 0\.$/],
    ['/azure/resourceGroup', '', '/azure/resourceGroup', /^Must be text of 1 to 256 characters, is ""\.$/],
    ['/network/addressSpace', 'wide', '/network/addressSpace', /^Must be an IPv4 range such as 172\.22\.1\.0\/24, is "wide"\.$/],
    ['/lunaClient/address', '172.22.0', '/lunaClient/address', /^Must be an IPv4 address such as [\d.]+, is "172\.22\.0"\.$/],
    ['/lunaClient/installer/sha256', 'ab', '/lunaClient/installer/sha256', /^Must be a SHA-256 digest: 64 hexadecimal digits, is "ab"\.$/],
    ['/lunaClient/installer/url', 5, '/lunaClient/installer/url', /^Must be a URL such as \S+ or an object { "secret": … }, is 5\.$/],
    [
      '/lunaClient/installer/url',
      { secrets: 'x' },
      '/lunaClient/installer/url/secrets',
      /^Unknown field \/lunaClient\/installer\/url\/secrets\. Did you mean secret\?$/,
    ],
    ['/lunaClient/certificateDays', 0, '/lunaClient/certificateDays', /^Must be a whole number between 1 and 36500, is 0\.$/],
    ['/cipherTrust/license', 'tril', '/cipherTrust/license', /^Must be "trial" or "none" or an object { "secret": … }, is "tril"\. Did you mean trial\?$/],
    [
      '/cipherTrust/image',
      'newest',
      '/cipherTrust/image',
      /^Must be publisher:offer:sku, optionally with :version or the resource id of an image, is "newest"\.$/,
    ],
    ['/cipherTrust', [], '/cipherTrust', /^Must be an object, is a list\.$/],
    ['/hsm/fips', 'yes', '/hsm/fips', /^Must be true or false, is "yes"\.$/],
    ['/color', 'red', '/color', /^Unknown field \/color; known here: \$schema, azure, network, .*approval\.$/],
  ];
  for (const [path, value, at, message] of sentences)
    it(`says of ${JSON.stringify(value)} at ${path}, once, what it must be`, () => {
      const mistakes = mistakesIn(changed(path, value));
      assert.equal(mistakes.length, 1, JSON.stringify(mistakes));
      assert.equal(mistakes[0]!.path, at);
      assert.match(mistakes[0]!.message, message);
    });

  for (const value of [undefined, null, 5, 'text', []])
    it(`says that ${JSON.stringify(value)} is no request`, () => {
      const [mistake, ...others] = mistakesIn(value);
      assert.deepEqual([mistake?.path, others], ['', []]);
      assert.match(mistake!.message, /^Must be an object, is /);
    });

  it('finds a mistake of shape just where the schema library does, whatever is changed, removed or added, and never throws', () => {
    const places = paths(exampleRequest()).filter((path) => path !== '');
    const values = fc.oneof(
      fc.constant(undefined),
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('172.22.0.0/16', 'https://a.b/c', { secret: 'name' }, 'trial'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...places), values), { minLength: 1, maxLength: 4 }), (changes) => {
        const edited = exampleRequest();
        for (const [path, value] of changes)
          try {
            // A copy: the same value at two places could end up within itself.
            changed(path, structuredClone(value), edited);
          } catch {
            // What it is in was changed before.
          }
        const request: unknown = JSON.parse(JSON.stringify(edited));
        const { mistakes } = inspect(schema, request, Value.Check);
        assert.equal(mistakes.length === 0, Value.Check(schema, request), JSON.stringify([request, mistakes]));
        for (const { message } of mistakesIn(request)) assert.match(message, /[.?]$/);
        assert.deepEqual(mistakesOfShape(request), mistakes, 'workflow code, which has no schema library, finds the same');
      }),
      { numRuns: 2_000 },
    );
  });

  it('judges no rule by what is misshapen', () => {
    const { address: _, stamp: __, ...hsm } = exampleRequest().hsm;
    const template = { url: 5, sha256: 'a'.repeat(64) };
    assert.deepEqual(
      mistakesIn(changed('/hsm', { ...hsm, template })).map(({ path }) => path),
      ['/hsm/template/url'],
    );
    const government = exampleRequest('azure-government');
    assert.deepEqual(
      mistakesIn(changed('/azure/cloud', 'us', government)).map(({ path }) => path),
      ['/azure/cloud'],
    );
  });
});
