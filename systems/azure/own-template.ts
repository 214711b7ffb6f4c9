import { createHash } from 'node:crypto';
import { getCACertificates } from 'node:tls';
import axios from 'axios';
import { refused, type StepFailure, transient } from '../../domain/failure.ts';
import type { ProvisioningRequest, TemplateSource } from '../../domain/request.ts';
import { templateProblems } from '../../domain/rules/template.ts';
import { isFields } from '../foreign.ts';
import type { Outbound } from '../outbound.ts';
import { parametersOf, sha256Of } from './hsm-template.ts';

/** Microsoft’s own has a few KB; Azure itself takes 4 MB. */
const maximumBytes = 1_048_576;
const maximumRedirects = 3;
const timeoutMs = 30_000;

/** What names a template: the SHA-256 of the file behind the address, or of an inline one as `jq -cS` writes it (keys sorted, no white space, no line end). */
export const templateSha256 = ({ inline, sha256 = '' }: TemplateSource): string => (inline ? sha256Of(inline) : sha256.toLowerCase());

/** Which deployment is ours: template and parameters, without fetching anything. */
export const ownDeploymentHash = (source: TemplateSource, request: ProvisioningRequest): string => sha256Of([templateSha256(source), parametersOf(request)]);

const tried = 'fetching the template of the request';
const templateRefused = (summary: string): StepFailure =>
  refused({
    code: 'AZURE_TEMPLATE_UNUSABLE',
    tried,
    summary,
    remedy: 'Nothing was deployed. Retry with an amendment of /hsm/template (address and SHA-256), or once the template is fixed.',
  });
const unreachable = (summary: string): StepFailure => transient({ code: 'AZURE_TEMPLATE_UNUSABLE', tried, summary, remedy: 'It is tried again by itself.' });

/** Through the one way out, over https only, a few redirects far; the address may hold a signature, so no failure tells it. */
async function download(outbound: Outbound, url: string, ca: string | undefined, signal: AbortSignal): Promise<Buffer> {
  const httpsAgent = outbound.httpsAgent({ ca: [...getCACertificates('default'), ...(ca ? [ca] : [])] });
  const insecure = 'a redirect leads away from https';
  try {
    const { status, data } = await axios.get<ArrayBuffer>(url, {
      httpsAgent,
      proxy: false,
      signal,
      timeout: timeoutMs,
      responseType: 'arraybuffer',
      maxRedirects: maximumRedirects,
      maxContentLength: maximumBytes,
      validateStatus: () => true,
      beforeRedirect: ({ protocol }) => {
        if (protocol !== 'https:') throw new Error(insecure);
      },
    });
    if (status === 408 || status === 429 || status >= 500) throw unreachable(`its address answered ${status}`);
    if (status !== 200) throw templateRefused(`the answer is ${status}`);
    return Buffer.from(data);
  } catch (error) {
    signal.throwIfAborted();
    if (!axios.isAxiosError(error)) throw error;
    const { code, message } = error;
    if (message === insecure || message.includes(insecure)) throw templateRefused(insecure);
    if (code === 'ERR_FR_TOO_MANY_REDIRECTS') throw templateRefused(`more than ${maximumRedirects} redirects`);
    if (message.includes('maxContentLength')) throw templateRefused(`it is larger than ${maximumBytes} bytes`);
    throw unreachable(`its address did not answer: ${code ?? 'no reason was given'}`);
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''));
  } catch {
    throw templateRefused('it is no JSON (comments are not JSON)');
  }
}

/** The user’s own template, as it is. `url` is the address itself, where it is fetched. */
export async function readOwnTemplate(
  outbound: Outbound,
  { inline, sha256 = '' }: TemplateSource,
  url: string | undefined,
  { ca, signal }: { ca?: string; signal: AbortSignal },
): Promise<Record<string, unknown>> {
  if (inline) return inline;
  if (!url?.toLowerCase().startsWith('https://')) throw templateRefused('it is no https address');
  const bytes = await download(outbound, url, ca, signal);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256.toLowerCase()) throw templateRefused(`the SHA-256 of what is there is ${found}`);
  const template = parse(bytes);
  const problems = templateProblems(template);
  if (!isFields(template) || problems.length > 0) throw templateRefused(problems.map(({ message }) => message).join(' '));
  return template;
}
