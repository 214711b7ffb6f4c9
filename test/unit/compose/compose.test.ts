import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { searchAttributes } from '../../../temporal/contract.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const text = readFileSync(`${root}docker-compose.yml`, 'utf8');

interface Service {
  image?: string;
  build?: string;
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  ports?: string[];
  volumes?: string[];
  healthcheck?: { test: string[] };
}

const compose = parse(text, { merge: true }) as { services: Record<string, Service>; volumes: Record<string, null> };
const services = Object.entries(compose.services);

const strings = { type: 'array', items: { type: 'string' } } as const;
const period = { type: 'string', pattern: '^[0-9]+(ms|s|m|h)$' } as const;
/** The rules of the Compose specification that this file relies on; unknown keys are refused, as Compose does. */
const schema = {
  type: 'object',
  required: ['services'],
  additionalProperties: false,
  patternProperties: { '^x-': {} },
  properties: {
    name: { type: 'string', pattern: '^[a-z0-9][a-z0-9_-]*$' },
    volumes: { type: 'object', additionalProperties: { type: ['null', 'object'] } },
    services: {
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: '^[a-zA-Z0-9._-]+$' },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        anyOf: [{ required: ['image'] }, { required: ['build'] }],
        properties: {
          image: { type: 'string', pattern: '^[^:]+:[^:]+$' },
          build: { type: 'string' },
          command: strings,
          entrypoint: strings,
          restart: { enum: ['no', 'always', 'on-failure', 'unless-stopped'] },
          init: { type: 'boolean' },
          read_only: { type: 'boolean' },
          tmpfs: strings,
          cap_drop: strings,
          security_opt: strings,
          stop_grace_period: period,
          environment: { type: 'object', additionalProperties: { type: 'string' } },
          ports: strings,
          volumes: strings,
          depends_on: {
            type: 'object',
            additionalProperties: {
              type: 'object',
              required: ['condition'],
              additionalProperties: false,
              properties: { condition: { enum: ['service_started', 'service_healthy', 'service_completed_successfully'] } },
            },
          },
          healthcheck: {
            type: 'object',
            required: ['test'],
            additionalProperties: false,
            properties: {
              test: { ...strings, minItems: 2, contains: { enum: ['CMD', 'CMD-SHELL'] } },
              interval: period,
              timeout: period,
              start_period: period,
              retries: { type: 'integer', minimum: 1 },
            },
          },
        },
      },
    },
  },
};

describe('docker-compose.yml', () => {
  it('follows the Compose specification', () => {
    const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
    const valid = ajv.validate(schema, compose);
    assert.ok(valid, ajv.errorsText());
  });

  it('waits only for services that exist, and for health only where health is checked', () => {
    for (const [name, { depends_on = {} }] of services)
      for (const [other, { condition }] of Object.entries(depends_on)) {
        assert.ok(compose.services[other], `${name} waits for ${other}`);
        if (condition === 'service_healthy') assert.ok(compose.services[other]?.healthcheck, `${other} has no health check`);
      }
  });

  it('starts in the order database, schema, server, namespace, then API and worker', () => {
    const needs = (name: string): string[] => Object.keys(compose.services[name]?.depends_on ?? {}).flatMap((other) => [...needs(other), other]);
    const order = ['postgres', 'temporal-schema', 'temporal', 'temporal-namespace'];
    assert.deepEqual(needs('api'), order);
    assert.deepEqual(needs('worker'), order);
  });

  it('has no password of its own: every one must be given, or Compose refuses to start', () => {
    const secret = /PASSWORD|PWD|SECRET$|SECRETS_KEY$|TOKEN$/;
    const found = services.flatMap(([, { environment = {} }]) => Object.entries(environment).filter(([name]) => secret.test(name)));
    assert.ok(found.length >= 4, `${found.length} passwords`);
    for (const [name, value] of found) assert.match(value, /^\$\{[A-Z_]+:\?[^}]+\}$/, name);
  });

  it('is reachable from this machine only', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    assert.ok(ports.length > 0);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
  });

  it('mounts only folders that exist and volumes that are declared', () => {
    for (const mount of services.flatMap(([, { volumes = [] }]) => volumes)) {
      const [source = ''] = mount.split(':');
      assert.ok(source.startsWith('.') ? existsSync(root + source) : source in compose.volumes, mount);
    }
  });

  it('gives the secrets to the worker alone', () => {
    const holders = services.filter(([, { volumes = [] }]) => volumes.some((mount) => mount.startsWith('secrets:'))).map(([name]) => name);
    assert.deepEqual(holders, ['worker']);
  });

  it('asks the worker for its readiness where the worker is told to show it', () => {
    const { environment, healthcheck } = compose.services.worker!;
    assert.ok(healthcheck?.test.join(' ').includes(`http://${environment?.HSM_WORKER_HEALTH_ADDRESS}/readyz`));
  });

  it('registers every search attribute', () => {
    const script = readFileSync(`${root}deploy/temporal/namespace.sh`, 'utf8');
    for (const { name, type } of Object.values(searchAttributes))
      assert.ok(script.includes(`--name ${name} --type ${type === 'BOOL' ? 'Bool' : 'Keyword'}`), name);
  });
});

describe('Dockerfile', () => {
  const lines = readFileSync(`${root}Dockerfile`, 'utf8').split('\n');
  const copied = lines.filter((line) => line.startsWith('COPY')).flatMap((line) => line.split(' ').slice(1, -1));

  it('is based on Debian, because Temporal’s native core needs glibc, and does not run as root', () => {
    assert.match(lines.find((line) => line.startsWith('FROM')) ?? '', /^FROM node:24-bookworm-slim$/);
    assert.equal(lines.filter((line) => line.startsWith('USER')).at(-1), 'USER node');
  });

  it('copies what exists, and what is not ignored', () => {
    const ignored = readFileSync(`${root}.dockerignore`, 'utf8').split('\n');
    for (const source of copied) {
      assert.ok(existsSync(root + source), source);
      assert.ok(ignored.includes(`!${source}`), `${source} is ignored`);
    }
  });

  describe('holds', () => {
    let image: string;
    before(() => {
      image = mkdtempSync(join(tmpdir(), 'hsm-image-'));
      for (const source of copied) cpSync(root + source, join(image, source), { recursive: true });
      symlinkSync(`${root}node_modules`, join(image, 'node_modules'));
    });
    after(() => rmSync(image, { recursive: true }));

    it('all that reads and keeps a secret by hand, with the worker’s own settings', () => {
      const env = {
        PATH: process.env.PATH,
        ...compose.services.worker!.environment,
        HSM_SECRETS_FOLDER: join(image, 'data', 'secrets'),
        HSM_SECRETS_KEY: randomBytes(32).toString('base64'),
      };
      const secret = (args: string[], input = '') => spawnSync(process.execPath, ['scripts/secret.ts', ...args], { cwd: image, env, input, encoding: 'utf8' });
      assert.equal(secret(['--keep', 'ntp-key'], 'an ntp key\n').stderr, '');
      assert.equal(secret(['ntp-key']).stdout, 'an ntp key\n');
      assert.equal(secret([]).stdout, 'ntp-key\n');
    });

    it('all that the API is made of', () => {
      const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', "await import('./api/app.ts')"], { cwd: image, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
  });
});
