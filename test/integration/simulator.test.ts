import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ssh2, { type ClientChannel } from 'ssh2';
import { until } from '../support/until.ts';

interface Ready {
  arm: string;
  authority: string;
  control: string;
  caFile: string;
  tenantId: string;
  clientId: string;
  clientSecret: string;
  subscriptionId: string;
  luna: { host: string; port: number; ip: string };
  windows: { host: string; port: number; ip: string };
  ciphertrust: { url: string; ip: string };
}

function signIn({ host, port }: { host: string; port: number }, username: string, password: string): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  return new Promise((resolve, reject) =>
    client
      .once('ready', () => resolve(client))
      .once('error', reject)
      .connect({ host, port, username, password }),
  );
}

/** Types each answer when the text before it has come, and gives everything that was shown. */
async function talk(client: ssh2.Client, turns: [waitFor: RegExp, say: string][]): Promise<string> {
  const channel = await new Promise<ClientChannel>((resolve, reject) => client.shell((error, opened) => (error ? reject(error) : resolve(opened))));
  let shown = '';
  let from = 0;
  channel.on('data', (chunk: Buffer) => {
    shown += chunk.toString('utf8').replaceAll('\r', '');
  });
  for (const [waitFor, say] of turns) {
    await until(`${waitFor}`, async () => (waitFor.test(shown.slice(from)) ? true : undefined), { everyMs: 10 });
    from = shown.length;
    channel.write(`${say}\r`);
  }
  await once(channel, 'close');
  return shown;
}

describe('The simulator by itself, with the scenario ready-hsm', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'hsm-simulator-'));
  const readyFile = join(folder, 'ready.json');
  let child: ChildProcess;
  let ready: Ready;
  before(async () => {
    const main = fileURLToPath(new URL('../../simulator/main.ts', import.meta.url));
    child = spawn(process.execPath, [main, '--scenario', 'ready-hsm', '--ready-file', readyFile, '--time-scale', '6000'], { stdio: 'ignore' });
    ready = await until('the ready file', async () => (existsSync(readyFile) ? (JSON.parse(readFileSync(readyFile, 'utf8')) as Ready) : undefined));
  });
  after(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true });
  });

  it('gives an HSM as Azure delivers it to any SSH client: forced password, zeroized, counted sign-ins', async () => {
    assert.equal(ready.luna.ip, '172.22.1.4');
    const first = await signIn(ready.luna, 'tenantadmin', 'PASSWORD');
    const prompt = /lunash:>$/;
    const shown = await talk(first, [
      [/New password: $/, 'short'],
      [/New password: $/, 'A-good-1-password'],
      [/Retype new password: $/, 'A-good-1-password'],
      [prompt, 'hsm show'],
      [prompt, 'hsm init -label LunaHSM -password so-password -domain d1 -force'],
      [prompt, 'hsm login -password wrong-one'],
      [prompt, 'hsm login -password wrong-one'],
      [prompt, 'hsm login'],
      [/> $/, 'quit'],
      [prompt, 'hsm show'],
      [prompt, 'hsm login -password wrong-one -force'],
      [prompt, 'hsm show'],
      [prompt, 'exit'],
    ]);
    first.end();
    for (const words of [
      /DO NOT LOSE IT!/,
      /BAD PASSWORD/,
      /HSM IS ZEROIZED !!!!/,
      /'hsm init' successful/,
      /A00000 : LUNA_RET_UM_PIN_INCORRECT/,
      /LAST available HSM Admin login attempt/,
      /1 before HSM zeroization!/,
      /30000F : LUNA_RET_SO_LOGIN_FAILURE_THRESHOLD/,
    ])
      assert.match(shown, words);
    assert.match(
      shown.slice(shown.lastIndexOf('30000F')),
      /Command Result : 0 \(Success\)[\s\S]*HSM IS ZEROIZED/,
      'the third failure erases it, and says result 0',
    );
    await assert.rejects(signIn(ready.luna, 'tenantadmin', 'PASSWORD'));
  });

  it('gives a Windows host and a CipherTrust Manager to any client', async () => {
    (await signIn(ready.windows, 'LunaAdmin', 'LunaAdmin-Password-1')).end();
    const status = await until('the services', () =>
      get<{ status: string }>(`${ready.ciphertrust.url}/api/v1/system/services/status`)
        .then((answer) => (answer?.status === 'started' ? answer : undefined))
        .catch(() => undefined),
    );
    assert.equal(status.status, 'started');
  });

  it('is an Azure that signs clients in, wants a version and lists what there is', async () => {
    const ca = readFileSync(ready.caFile, 'utf8');
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: ready.clientId,
      client_secret: ready.clientSecret,
      scope: 'https://management.azure.com/.default',
    });
    const { access_token } = (await get<{ access_token: string }>(`${ready.authority}/${ready.tenantId}/oauth2/v2.0/token`, {
      ca,
      method: 'POST',
      body: form.toString(),
    }))!;
    const headers = { authorization: `Bearer ${access_token}` };
    const list = `${ready.arm}/subscriptions/${ready.subscriptionId}/providers/Microsoft.HardwareSecurityModules/dedicatedHSMs`;
    const { value } = (await get<{ value: { name: string; properties: { provisioningState: string } }[] }>(`${list}?api-version=2021-11-30`, { ca, headers }))!;
    assert.deepEqual(
      value.map(({ name, properties }) => [name, properties.provisioningState]),
      [['kylo-luna-hsm', 'Succeeded']],
    );
    assert.equal((await get<{ error: { code: string } }>(list, { ca, headers }))?.error.code, 'MissingApiVersionParameter');
    assert.equal((await get<{ error: { code: string } }>(`${list}?api-version=2021-11-30`, { ca }))?.error.code, 'AuthenticationFailed');
  });

  it('shows no password in its requestLog', async () => {
    const requestLog = await (await fetch(`${ready.control}/request-log`)).text();
    assert.ok(requestLog.includes('lunash:hsm init'));
    for (const secret of ['so-password', 'A-good-1-password', 'wrong-one']) assert.ok(!requestLog.includes(secret), secret);
  });
});

interface Options {
  ca?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** JSON over TLS; without an authority, whoever answers is believed: these are machines that have just signed their own. */
function get<T>(url: string, { ca, method = 'GET', headers = {}, body }: Options = {}): Promise<T | undefined> {
  const agent = new Agent(ca ? { ca } : { rejectUnauthorized: false });
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, method, headers: body ? { ...headers, 'content-type': 'application/x-www-form-urlencoded' } : headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
      });
      response.on('end', () => resolve(/^\s*\{/.test(text) ? (JSON.parse(text) as T) : undefined));
    });
    asked.on('error', reject).end(body);
  });
}
