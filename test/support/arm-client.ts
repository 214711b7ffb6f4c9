import { Agent, request } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';

/** Where a simulated Azure is and who may come in. */
export interface ArmAccess {
  arm: string;
  authority: string;
  ca: string;
  tenantId: string;
  clientId: string;
  clientSecret: string;
}

export interface ArmAnswer<T = Record<string, unknown>> {
  status: number;
  headers: Record<string, string>;
  /** The body as read; undefined where there is none. */
  body: T;
}

interface Sent {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** One exchange over TLS, as any client would have it. */
export function exchange<T = Record<string, unknown>>(url: string, ca: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<ArmAnswer<T>> {
  const agent = new Agent({ ca });
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
      });
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers as Record<string, string>, body: (text === '' ? undefined : JSON.parse(text)) as T }),
      );
    });
    asked.on('error', reject).end(body);
  });
}

/** A client of ARM that knows nothing but HTTP: signs in with a client secret and sends what it is told. */
export class ArmClient {
  readonly #access: ArmAccess;
  readonly #token: string;

  static async signIn(access: ArmAccess): Promise<ArmClient> {
    const { authority, ca, tenantId, clientId, clientSecret } = access;
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope: `${access.arm}/.default` };
    const { body } = await exchange<{ access_token: string }>(`${authority}/${tenantId}/oauth2/v2.0/token`, ca, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    });
    return new ArmClient(access, body.access_token);
  }

  constructor(access: ArmAccess, token: string) {
    this.#access = access;
    this.#token = token;
  }

  /** For requests that are sent in another way. */
  get authorization(): string {
    return `Bearer ${this.#token}`;
  }

  /** A path below ARM’s address, or an address that ARM gave. */
  send<T = Record<string, unknown>>(method: string, pathOrUrl: string, body?: object, headers: Record<string, string> = {}): Promise<ArmAnswer<T>> {
    const { arm, ca } = this.#access;
    return exchange(pathOrUrl.startsWith('/') ? `${arm}${pathOrUrl}` : pathOrUrl, ca, {
      method,
      headers: { authorization: this.authorization, 'user-agent': 'somebody-else', ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  }

  /** Follows a Location until there is an end, and gives every answer. */
  async follow(answer: ArmAnswer, everyMs = 50): Promise<ArmAnswer[]> {
    const polls: ArmAnswer[] = [];
    for (let last = answer; last.status === 202; polls.push(last)) {
      await pause(everyMs);
      last = await this.send('GET', last.headers['location']!);
    }
    return polls;
  }
}
