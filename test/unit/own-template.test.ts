import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { canonical } from '../../domain/canonical.ts';
import { StepFailure, wordsOf } from '../../domain/failure.ts';
import { plan } from '../../domain/plan.ts';
import type { TemplateSource } from '../../domain/request.ts';
import { secretsNamed, withoutTemplateText } from '../../domain/request-parts.ts';
import { templateProblems } from '../../domain/rules/template.ts';
import { issueServer } from '../../simulator/certificates.ts';
import { createWorld, type RunningWorld } from '../../simulator/create-world.ts';
import { createSocks, type Socks } from '../../simulator/network/socks.ts';
import { ownDeploymentHash, readOwnTemplate, templateSha256 } from '../../systems/azure/own-template.ts';
import { createOutbound } from '../../systems/outbound.ts';
import { exampleRequest } from '../support/example.ts';
import { customerTemplate } from '../support/template.ts';

const withTemplate = (template: TemplateSource) => {
  const request = exampleRequest();
  delete request.hsm.address;
  delete request.hsm.stamp;
  request.hsm.template = template;
  return request;
};
const brokenBy = (template: TemplateSource) => {
  const planned = plan(withTemplate(template));
  return planned.ok ? [] : planned.broken.map(({ path }) => path);
};

describe('A template of the user’s', () => {
  it('is told apart by the public address that it makes: a Basic one carries an HSM until 31 March 2027 only', () => {
    const [device, address, gateway] = customerTemplate().resources;
    const { sku: _, ...bare } = address as { sku?: object };
    const rows: [resources: unknown[], warning: RegExp][] = [
      [[device, address, gateway], /your template creates a Standard one/],
      [[device, { ...address, sku: { name: 'Basic' } }, gateway], /creates a Basic one\. Ask Microsoft for another/],
      [[device, bare, gateway], /creates a Basic one/],
      [[device, { ...address, sku: { name: "[parameters('AddressSku')]" } }, gateway], /check which kind/],
      [[device], /check which kind/],
    ];
    for (const [resources, warning] of rows) {
      const planned = plan(withTemplate({ inline: { ...customerTemplate(), resources } }));
      assert.ok(planned.ok);
      assert.match(planned.plan.warnings.find((text) => text.includes('31 March 2027')) ?? '', warning);
    }
  });

  it('with the runbook’s four parameters is taken as it is', () => assert.deepEqual(brokenBy({ inline: customerTemplate() }), []));

  const { ResourcePrefix: _, HSMResourceName: __, ...parameters } = customerTemplate().parameters;
  const [device] = customerTemplate().resources;
  const rows: [what: string, change: object, paths: string[]][] = [
    ['without two of the four', { parameters }, ['/parameters/ResourcePrefix', '/parameters/HSMResourceName']],
    ['with a fifth that has no default', { parameters: { ...customerTemplate().parameters, Owner: { type: 'string' } } }, ['/parameters/Owner']],
    [
      'that wants an object where a name is given',
      { parameters: { ...customerTemplate().parameters, ResourcePrefix: { type: 'object' } } },
      ['/parameters/ResourcePrefix'],
    ],
    ['for a subscription', { $schema: 'https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#' }, ['/$schema']],
    ['without an HSM', { resources: customerTemplate().resources.slice(1) }, ['/resources']],
    ['with an HSM in a loop', { resources: [{ ...device, copy: { name: 'many', count: 2 } }] }, ['/resources']],
    [
      'with an HSM in a deployment in a loop',
      {
        resources: [
          {
            type: 'Microsoft.Resources/deployments',
            apiVersion: '2024-03-01',
            name: 'inner',
            copy: { name: 'many', count: 2 },
            properties: { mode: 'Incremental', template: { resources: [device] } },
          },
        ],
      },
      ['/resources'],
    ],
    ['with two HSMs', { resources: [...customerTemplate().resources, customerTemplate().resources[0]] }, ['/resources']],
  ];
  for (const [what, change, paths] of rows)
    it(`${what} is refused, naming what`, () => {
      const inline = { ...customerTemplate(), ...change };
      assert.deepEqual(
        templateProblems(inline).map(({ path }) => path),
        paths,
      );
      assert.deepEqual(
        brokenBy({ inline }),
        paths.map((path) => `/hsm/template/inline${path}`),
      );
    });

  it('is given in one way, over https, with its SHA-256, and not too large', () => {
    const sha256 = 'a'.repeat(64);
    assert.deepEqual(brokenBy({ url: 'https://example.com/t.json', sha256 }), []);
    assert.deepEqual(brokenBy({}), ['/hsm/template']);
    assert.deepEqual(brokenBy({ url: 'https://example.com/t.json', sha256, inline: customerTemplate() }), ['/hsm/template']);
    assert.deepEqual(brokenBy({ url: 'https://example.com/t.json' }), ['/hsm/template/sha256']);
    assert.deepEqual(brokenBy({ url: 'https://example.com/t.json?sig=x', sha256 }), ['/hsm/template/url']);
    assert.deepEqual(brokenBy({ url: 'file:///etc/passwd', sha256 }), ['/hsm/template/url']);
    assert.deepEqual(brokenBy({ inline: { ...customerTemplate(), metadata: 'x'.repeat(70_000) } }), ['/hsm/template/inline']);
    const request = withTemplate({ inline: customerTemplate() });
    Object.assign(request.hsm, { address: '172.22.1.4', stamp: 'stamp2' });
    assert.deepEqual(
      (plan(request) as { broken: { path: string }[] }).broken.map(({ path }) => path),
      ['/hsm/address', '/hsm/stamp'],
    );
  });

  it('is known again by what it says and by its parameters, not by the order of its fields', () => {
    const turned = Object.fromEntries(Object.entries(customerTemplate()).reverse());
    const hash = (inline: object, prefix = 'HSMLuna') => {
      const source = { inline: inline as Record<string, unknown> };
      const request = withTemplate(source);
      request.hsm.resourcePrefix = prefix;
      return ownDeploymentHash(source, request);
    };
    assert.equal(templateSha256({ inline: turned }), createHash('sha256').update(canonical(customerTemplate())).digest('hex'));
    assert.equal(hash(turned), hash(customerTemplate()));
    assert.notEqual(hash({ ...customerTemplate(), contentVersion: '1.1.0.1' }), hash(customerTemplate()));
    assert.notEqual(hash(customerTemplate(), 'Other'), hash(customerTemplate()));
  });

  it('goes to the one step that deploys it, and what it says is no name of a secret', () => {
    const request = withTemplate({ inline: { ...customerTemplate(), metadata: { secret: 'not-a-name' } } });
    assert.ok(!JSON.stringify(withoutTemplateText(request)).includes('ExistingVNetName'));
    assert.deepEqual(withoutTemplateText(request).hsm.template, { inline: {} });
    assert.ok(!secretsNamed(request).some(({ name }) => name === 'not-a-name'));
    const byAddress = withTemplate({ url: { secret: 'template-address' }, sha256: 'a'.repeat(64) });
    assert.equal(withoutTemplateText(byAddress), byAddress);
    assert.ok(secretsNamed(byAddress).some(({ path, name }) => path === '/hsm/template/url/secret' && name === 'template-address'));
  });
});

describe('A template behind an address', () => {
  const text = `\uFEFF${JSON.stringify(customerTemplate(), null, 2)}\r\n`;
  const sha256 = createHash('sha256').update(text).digest('hex');
  const answers: Record<string, [status: number, body: string, headers?: Record<string, string>]> = {
    '/t.json': [200, text],
    '/moved': [302, '', { location: '/t.json' }],
    '/insecure': [302, '', { location: 'http://localhost:1/t.json' }],
    '/circle': [302, '', { location: '/circle' }],
    '/large': [200, 'x'.repeat(1_100_000)],
    '/busy': [503, ''],
    '/gone': [404, ''],
    '/comments': [200, '// not JSON\n{}'],
  };
  let server: Server;
  let base: string;
  let ca: string;
  let world: RunningWorld;
  let socks: Socks;
  before(async () => {
    const identity = await issueServer({ commonName: 'localhost', names: { dns: ['localhost'] } });
    ca = identity.authorityPem;
    server = createServer({ cert: identity.certificatePem, key: identity.privateKeyPem }, ({ url = '' }, response) => {
      const [status, body, headers = {}] = answers[url.split('?')[0]!] ?? [404, ''];
      response.writeHead(status, headers).end(body);
    }).listen(0, 'localhost');
    await once(server, 'listening');
    base = `https://localhost:${(server.address() as AddressInfo).port}`;
    world = await createWorld({ timeScale: 1000 });
    socks = await createSocks(world);
  });
  after(async () => {
    await socks.stop();
    await world.stop();
    server.closeAllConnections();
    server.close();
  });
  const fetched = (path: string, source: TemplateSource = { sha256 }, proxy?: string) =>
    readOwnTemplate(createOutbound(proxy), source, `${base}${path}?sig=opensesame`, { ca, signal: AbortSignal.timeout(20_000) });

  it('is fetched, compared and given unchanged; a few redirects are followed', async () => {
    assert.deepEqual(await fetched('/t.json'), customerTemplate());
    assert.deepEqual(await fetched('/moved', { sha256: sha256.toUpperCase() }), customerTemplate());
  });

  it('is fetched through the one way out', async () => {
    assert.deepEqual(await fetched('/t.json', { sha256 }, `socks5://127.0.0.1:${socks.port}`), customerTemplate());
    await assert.rejects(fetched('/t.json', { sha256 }, 'socks5://127.0.0.1:1'), (error: StepFailure) => error.problem.kind === 'Transient');
  });

  const sum = (body: string) => createHash('sha256').update(body).digest('hex');
  const rows: [what: string, path: string, given: string, kind: string, seen: RegExp][] = [
    ['another SHA-256', '/t.json', 'b'.repeat(64), 'Refused', new RegExp(`SHA-256 of what is there is ${sha256}`)],
    ['a redirect away from https', '/insecure', sha256, 'Refused', /away from https/],
    ['redirects without end', '/circle', sha256, 'Refused', /more than 3 redirects/],
    ['too much', '/large', sha256, 'Refused', /larger than/],
    ['a busy server', '/busy', sha256, 'Transient', /503/],
    ['nothing there', '/gone', sha256, 'Refused', /404/],
    ['no JSON', '/comments', sum(answers['/comments']![1]), 'Refused', /no JSON/],
  ];
  for (const [what, path, given, kind, seen] of rows)
    it(`${what}: ${kind}, without telling the address`, async () => {
      const { problem, message } = await fetched(path, { sha256: given }).then(
        () => assert.fail('it was taken'),
        (error: unknown) => (error instanceof StepFailure ? error : assert.fail(String(error))),
      );
      assert.equal(problem.kind, kind);
      assert.match(wordsOf(problem), seen);
      assert.ok(!message.includes('opensesame'));
    });
});
