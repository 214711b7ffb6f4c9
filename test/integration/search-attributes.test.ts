import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../api/app.ts';
import { folderReports } from '../../stores/reports/report-store.ts';
import { searchAttributeArguments } from '../../temporal/contract.ts';
import { exampleRequest } from '../support/example.ts';
import { type TestTemporal, temporalServer } from '../support/temporal.ts';

const tokens = { operator: 'the-operators-token', approver: 'the-approvers-token' };
const headers = { authorization: `Bearer ${tokens.operator}`, 'idempotency-key': 'k' };

describe('A Temporal without all search attributes', function () {
  this.timeout(120_000);
  let server: TestTemporal;
  let client: Client;
  let app: FastifyInstance;
  const lines: string[] = [];
  before(async () => {
    server = await temporalServer(
      0,
      searchAttributeArguments.filter((argument) => !/^(HasIncident|Procedure)=/.test(argument)),
    );
    client = new Client({ connection: await Connection.connect({ address: server.address }) });
    const logger = { level: 'warn', stream: { write: (line: string) => void lines.push(line) } };
    app = await buildApp({ client, taskQueue: 'any', tokens, reports: folderReports('/nowhere'), logger });
  });
  after(async () => {
    await app?.close();
    await client?.connection.close();
    await server?.stop();
  });

  it('makes POST and the list a 503 that names what is missing and the command that registers it, and logs the cause', async () => {
    const posted = await app.inject({ method: 'POST', url: '/v1/provisionings', headers, payload: exampleRequest() });
    const listed = await app.inject({ url: '/v1/jobs?hasIncident=true', headers });
    for (const answer of [posted, listed]) {
      assert.equal(answer.statusCode, 503, answer.body);
      assert.equal(answer.json().title, 'Search attributes are missing in Temporal');
      assert.match(answer.json().detail, /Procedure, HasIncident/);
      assert.ok(Number(answer.headers['retry-after']) > 0);
    }
    assert.match(lines.join(''), /no mapping defined for search attribute/);
  });

  it('takes jobs as soon as that command was given', async () => {
    const refused = await app.inject({ method: 'POST', url: '/v1/provisionings', headers, payload: exampleRequest() });
    const command: string = refused.json().command;
    assert.match(command, /^temporal operator search-attribute create --namespace default --name Procedure --type Keyword --name HasIncident --type Bool$/);
    const [, ...words] = command.split(' ');
    const cli = process.env.TEMPORAL_CLI ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'hsm-provisioner', 'temporal-1.8.2', 'temporal');
    await promisify(execFile)(cli, [...words, '--address', server.address]);
    const taken = await app.inject({ method: 'POST', url: '/v1/provisionings', headers, payload: exampleRequest() });
    assert.equal(taken.statusCode, 202, taken.body);
  });
});
