import type { Fault } from '../faults.ts';
import type { ArmReply } from './http.ts';
import { subscriptionId } from './state.ts';

/** The answer of a fault, in place of the right one. */
export function badReply(fault: Fault | undefined, system: string): ArmReply | undefined {
  switch (fault?.kind) {
    case 'throttle':
      return throttled(fault);
    case 'error':
      return { status: fault.status ?? 503, body: ['authority', 'identity'].includes(system) ? oauthError(fault) : armError(fault) };
    case 'page':
      return gatewayPage(fault);
    default:
      return undefined;
  }
}

const armError = ({ code = 'ServiceUnavailable', message = 'The service is temporarily unavailable.' }: Fault) => ({ error: { code, message } });

const oauthError = ({ code = 'temporarily_unavailable', message = 'AADSTS90033: A transient error has occurred. Please try again.' }: Fault) => ({
  error: code,
  error_description: message,
});

function throttled({ amount, tell, code, message }: Fault): ArmReply {
  const told = amount === undefined ? '' : ` Please try again after '${amount}' seconds after additional tokens are available.`;
  return {
    status: 429,
    ...(amount === undefined ? {} : { headers: retryAfter(amount, tell) }),
    body: {
      error: {
        code: code ?? 'SubscriptionRequestsThrottled',
        message:
          message ??
          `Number of requests for subscription '${subscriptionId}' exceeded.${told} Refer to https://aka.ms/arm-throttling for additional information.`,
      },
    },
  };
}

function retryAfter(seconds: number, tell: Fault['tell']): Record<string, string> {
  if (tell === 'milliseconds') return { 'retry-after-ms': `${seconds * 1000}` };
  return { 'retry-after': tell === 'date' ? new Date(Date.now() + seconds * 1000).toUTCString() : `${seconds}` };
}

/** What stands between, such as Azure’s own front door, speaks HTML. */
function gatewayPage({ status = 502, message = 'The web server received an invalid response while acting as a gateway or proxy server.' }: Fault): ArmReply {
  const title = `${status} - Web server received an invalid response while acting as a gateway or proxy server.`;
  return {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: `<!DOCTYPE html>\r\n<html>\r\n<head><title>${title}</title></head>\r\n<body><div id="content"><h2>${title}</h2><h3>${message}</h3></div></body>\r\n</html>\r\n`,
  };
}
