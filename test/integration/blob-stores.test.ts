import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { type HttpClient, type PipelineRequest, type PipelineResponse, RestError } from '@azure/core-rest-pipeline';
import type { AzureConnection } from '../../stores/azure-connection.ts';
import { blobContainer } from '../../stores/blob-container.ts';
import { blobNumberedStore } from '../../stores/record/blob-store.ts';
import { openRecords } from '../../stores/record/open-records.ts';
import { sealedStore } from '../../stores/record/sealed-store.ts';
import { openReports } from '../../stores/reports/open-reports.ts';
import { createFileStore } from '../../stores/secrets/file-store.ts';
import { azureConnection } from '../../systems/azure/connection.ts';
import { createOutbound } from '../../systems/outbound.ts';
import { readSettings } from '../../worker/settings.ts';
import { AzureBench } from '../support/azure-bench.ts';
import { Azurite } from '../support/azurite.ts';
import { aNumberedStore } from '../support/numbered-store-suite.ts';
import { aReportStore } from '../support/report-store-suite.ts';

const writer = { jobId: 'kylo', runId: 'run-1', execution: 'fips-mode', attempt: 1, retry: 1 };

describe('Blob Storage, as Azurite has it, signed in to at the simulated authority', function () {
  this.timeout(120_000);
  let bench: AzureBench;
  let azurite: Azurite;
  let folder: string;
  let container: string;
  let connection: AzureConnection;
  const secrets = () => createFileStore({ folder: join(folder, 'secrets'), keyFile: join(folder, 'key') });

  before(async () => {
    [bench, azurite, folder] = await Promise.all([AzureBench.start(), Azurite.start(), mkdtemp(join(tmpdir(), 'hsm-blob-'))]);
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, `${bench.azure.caPem}${azurite.certificatePem}`);
    const settings = readSettings({ ...bench.env, HSM_CA_FILE: caFile });
    connection = azureConnection(settings, createOutbound());
  });
  after(async () => {
    await Promise.all([bench.stop(), azurite.stop()]);
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    container = await azurite.container(`test-${randomUUID()}`);
  });

  describe('as a record store', () => aNumberedStore(() => sealedStore(blobNumberedStore(blobContainer(container, connection)), secrets())));
  describe('as a report store', () => aReportStore(() => openReports({ kind: 'blob', url: container }, connection)));

  it('lets branches append 100 entries each at once, none refused, and has nothing in clear', async () => {
    const open = () => openRecords({ kind: 'blob', url: container }, connection, secrets());
    await open().of('kylo', 'hsm', writer).read();
    const branches = ['windows', 'ciphertrust', 'deployment'] as const;
    await Promise.all(
      branches.map(async (subject) => {
        const record = open().of('kylo', subject, writer);
        await record.read();
        for (let n = 1; n <= 100; n++) await record.append('secret-given', { machine: 'opensesame', purpose: `${n}` });
      }),
    );
    for (const subject of branches) {
      const entries = await open().of('kylo', subject, writer).read();
      assert.deepEqual(
        entries.map(({ n, data }) => [n, data]),
        Array.from({ length: 100 }, (_, index) => [index + 1, { machine: 'opensesame', purpose: `${index + 1}` }]),
      );
    }
    const blob = azurite.owner().getContainerClient(container.split('/').at(-1)!).getBlobClient('kylo/windows/000001');
    assert.ok(!(await blob.downloadToBuffer()).toString('latin1').includes('opensesame'));
  });

  describe('as the simulated Azure has it', () => {
    const at = (name: string) => `${bench.azure.blobs}/${name}`;
    describe('as a record store', () => aNumberedStore(() => sealedStore(blobNumberedStore(blobContainer(at('record'), connection)), secrets())));
    describe('as a report store', () => aReportStore(() => openReports({ kind: 'blob', url: at('reports') }, connection)));

    it('says that the container is missing', async () => {
      await assert.rejects(blobContainer(at('none'), connection).list(''), /ContainerNotFound.*Create the container/);
      await assert.rejects(blobContainer(at('none'), connection).read('kylo'), /ContainerNotFound/);
    });
  });

  /** The same connection with something in the way of each request. */
  const through = (tamper: (request: PipelineRequest, send: HttpClient['sendRequest']) => Promise<PipelineResponse>): AzureConnection => ({
    ...connection,
    async httpClient() {
      const wire = await connection.httpClient();
      return { sendRequest: (request) => tamper(request, (sent) => wire.sendRequest(sent)) };
    },
  });
  const store = (over: AzureConnection) => blobNumberedStore(blobContainer(container, over, 10));

  it('knows its own entry again where the answer to writing it was lost', async () => {
    let lost = 0;
    const losing = through(async (request, send) => {
      const response = await send(request);
      if (request.method !== 'PUT' || lost++ > 0) return response;
      throw new RestError('read ECONNRESET', { code: 'ECONNRESET', request });
    });
    assert.deepEqual(await store(losing).create('kylo/hsm/000001', 'mine'), { won: true, value: 'mine' });
    assert.equal(lost, 2, 'it was written twice');
    assert.deepEqual(await store(connection).create('kylo/hsm/000001', 'of another'), { won: false, value: 'mine' });
  });

  it('does not take the entry of another for its own where the answer was lost', async () => {
    let puts = 0;
    const losing = through(async (request, send) => {
      if (request.method !== 'PUT' || puts++ > 0) return send(request);
      await store(connection).create('kylo/hsm/000001', 'of another');
      throw new RestError('read ECONNRESET', { code: 'ECONNRESET', request });
    });
    assert.deepEqual(await store(losing).create('kylo/hsm/000001', 'mine'), { won: false, value: 'of another' });
  });

  it('waits out what passes', async () => {
    let refused = 0;
    const busy = through(async (request, send) => {
      const response = await send(request);
      return refused++ < 2 ? { ...response, status: 503, bodyAsText: '' } : response;
    });
    assert.deepEqual(await store(busy).list(''), []);
    assert.equal(refused, 3);
  });

  it('says that the container is missing, and takes that for no proof that an entry is', async () => {
    const missing = blobNumberedStore(blobContainer(`${container}-missing`, connection));
    for (const asked of [() => missing.get('kylo/hsm/000001'), () => missing.create('kylo/hsm/000001', 'value'), () => missing.list('')])
      await assert.rejects(asked, /ContainerNotFound.*Create the container/);
    const { reports, transcripts } = openReports({ kind: 'blob', url: `${container}-missing` }, connection);
    await assert.rejects(reports.read('kylo-run-1', 'json'), /ContainerNotFound/);
    await assert.rejects(transcripts.append('kylo', 'run-1', 'fips-mode', 'hsm show'), /ContainerNotFound/);
  });

  it('says which role is missing, and never what was sent', async () => {
    const refusing = through(async (request, send) => {
      const response = await send(request);
      response.headers.set('x-ms-error-code', 'AuthorizationPermissionMismatch');
      return { ...response, status: 403, bodyAsText: '' };
    });
    const error = await store(refusing)
      .create('kylo/hsm/000001', 'do-not-tell')
      .then(
        () => assert.fail('it went well'),
        (failure: unknown) => inspect(failure, { depth: 10, showHidden: true }),
      );
    assert.match(error, /403 AuthorizationPermissionMismatch.*Storage Blob Data Contributor/s);
    assert.doesNotMatch(error, /do-not-tell|Bearer/);
  });
});
