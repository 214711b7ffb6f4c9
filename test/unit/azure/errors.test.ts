import assert from 'node:assert/strict';
import { StepFailure } from '../../../domain/failure.ts';
import { errorIn, innermost, pageTitle } from '../../../systems/azure/arm-error.ts';
import { causeOf } from '../../../systems/azure/causes.ts';
import { azureFailure, isAbsent, isForeign, NoAnswer } from '../../../systems/azure/errors.ts';

const hsm = '/subscriptions/s/resourceGroups/g/providers/Microsoft.HardwareSecurityModules/dedicatedHSMs/hsm1';
const deployment = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/deployments/HSMdeploy';
const json = (error: object) => JSON.stringify({ status: 'Failed', error }, undefined, 2);

describe('The innermost error of Azure', () => {
  const quota = { code: 'QuotaExceeded', message: 'no device left' };
  const cases: [situation: string, error: Parameters<typeof innermost>[0], expected: ReturnType<typeof innermost>][] = [
    ['is the error itself where nothing is inside', quota, quota],
    ['stands in details', { code: 'DeploymentFailed', message: 'x', details: [{ ...quota, target: hsm }] }, { ...quota, target: hsm }],
    ['stands as JSON in a message', { code: 'Conflict', message: json(quota) }, quota],
    [
      'stands beside a bare failure that names the resource, as recorded',
      {
        code: 'DeploymentFailed',
        target: deployment,
        message: 'At least one resource deployment operation failed.',
        details: [
          { code: 'ResourceDeploymentFailure', target: hsm, message: 'reached terminal provisioning state', details: [] },
          { code: 'Conflict', message: json(quota) },
        ],
      },
      { ...quota, target: hsm },
    ],
    [
      'is the bare failure where nobody says more',
      { code: 'DeploymentFailed', message: 'x', target: deployment, details: [{ code: 'Conflict', message: 'y' }] },
      { code: 'Conflict', message: 'y' },
    ],
    ['stands in JSON in JSON', { code: 'BadRequest', message: json({ code: 'Conflict', message: json(quota) }) }, quota],
    ['stands in an inner error', { code: 'Conflict', message: 'x', innererror: quota }, quota],
    ['is on one line', { code: 'X', message: 'a\r\n  b' }, { code: 'X', message: 'a b' }],
    [
      'names the policy instead of its ids',
      {
        code: 'RequestDisallowedByPolicy',
        target: 'hsm1',
        message: `Resource 'hsm1' was disallowed by policy. Policy identifiers: '[{"policyAssignment":{"name":"No HSMs","id":"/long"}}]'.`,
      },
      { code: 'RequestDisallowedByPolicy', target: 'hsm1', message: "Resource 'hsm1' was disallowed by policy. Policy: No HSMs" },
    ],
    [
      'names the policy of its additional information',
      { code: 'RequestDisallowedByPolicy', message: 'No.', additionalInfo: [{ type: 'PolicyViolation', info: { policyAssignmentDisplayName: 'No HSMs' } }] },
      { code: 'RequestDisallowedByPolicy', message: 'No. Policy: No HSMs' },
    ],
    ['is said to be missing where there is none', {}, { code: 'Unknown', message: 'no message' }],
  ];
  for (const [situation, error, expected] of cases) it(situation, () => assert.deepEqual(innermost(error), expected));

  it('is found in an answer, in an operation’s status as text or object, and nowhere else', () => {
    for (const value of [{ error: quota }, json(quota), { status: 'Failed', error: quota }, quota]) assert.deepEqual(errorIn(value), quota);
    for (const value of ['', 'no JSON', '[]', '"text"', {}, undefined, 7]) assert.equal(errorIn(value), undefined);
  });
});

describe('That a thing is not there', () => {
  const answer = (bodyAsText: string, statusCode = 404) => ({ statusCode, message: 'm', response: { status: statusCode, bodyAsText } });
  const said = (code: string) => JSON.stringify({ error: { code, message: 'm' } });

  it('is what ARM says of things', () => {
    for (const code of ['ResourceNotFound', 'ResourceGroupNotFound', 'ParentResourceNotFound', 'DeploymentNotFound', 'NotFound', 'FeatureNotFound'])
      assert.ok(isAbsent(answer(said(code))), code);
  });

  it('is not what it says of the subscription, of a type or a version, nor what something in between says', () => {
    for (const text of [
      ...['SubscriptionNotFound', 'TenantNotFound', 'InvalidResourceType', 'InvalidResourceNamespace', 'NoRegisteredProviderFound'].map(said),
      '<html><head><title>404 Not Found</title></head></html>',
      '404 page not found',
      '',
    ])
      assert.ok(!isAbsent(answer(text)), text);
    assert.ok(!isAbsent(answer(said('ResourceNotFound'), 400)));
  });

  it('an answer of something in between is told as one', () => {
    for (const text of ['<html><head><title>404 Not Found</title></head></html>', '404 page not found']) {
      const { kind, summary: seen, remedy } = azureFailure('reading', answer(text)).problem;
      assert.equal(kind, 'Refused');
      assert.match(seen, /^the answer is not Azure’s: 404, /);
      assert.match(remedy, /HSM_PROXY/);
    }
  });
});

describe('The cause of a failure of Azure', () => {
  const rows: [code: string, message: string, remedy: RegExp, passes: boolean, target?: string][] = [
    ['RequestDisallowedByPolicy', 'x', /exemption/, false],
    ['ScopeLocked', 'x', /Remove the lock/, false],
    ['ExpiredAuthenticationToken', 'x', /signs in again/, false],
    ['ResourcePurchaseValidationFailed', 'x', /accept the image’s terms/, false],
    ['PlatformImageNotFound', 'x', /an image that Azure offers/, false],
    ['MissingSubscriptionRegistration', 'x', /Register/, false],
    ['SubscriptionNotFound', 'x', /role in the subscription/, false],
    ['InvalidResourceType', 'x', /Register/, false],
    ['LinkedAuthorizationFailed', 'x', /role/, false],
    ['OperationNotAllowed', 'Operation results in exceeding approved Total Regional Cores quota.', /counts against the quota.*failed ones too/, false],
    ['ProvisioningFailed', 'The subscription’s device quota is used up.', /counts against the quota/, false, hsm],
    ['AllocationFailed', 'x', /none free at present/, true],
    ['SkuNotAvailable', 'x', /none free at present/, true],
    ['ProvisioningFailed', 'There is no capacity left in stamp1.', /none free at present/, true, hsm],
    ['ProvisioningFailed', 'The subnet hsm is not delegated.', /Delegate the HSM’s subnet/, false, hsm],
    ['ProvisioningFailed', 'No ExpressRoute gateway is ready.', /gateway is Succeeded/, true, hsm],
    ['VirtualNetworkGatewayAlreadyExists', 'The network already has a gateway.', /what Azure names/, false, '/x/virtualNetworkGateways/g'],
    ['AnotherOperationInProgress', 'x', /Another operation is modifying this network/, true],
    ['Anything', 'x', /what Azure names/, false],
  ];
  for (const [code, message, remedy, passes, target] of rows)
    it(`${code}${target ? ` of ${target.split('/').at(-2)}` : ''}: ${message}`, () => {
      const cause = causeOf({ code, message, ...(target ? { target } : {}) });
      assert.match(cause.remedy, remedy);
      assert.equal(cause.passes, passes);
    });
});

describe('A failure of an Azure client', () => {
  const answered = (status: number, bodyAsText = '{}', headers: Record<string, string> = {}) =>
    azureFailure('asking', { statusCode: status, message: 'm', response: { status, bodyAsText, headers: { get: (name: string) => headers[name] } } }).problem;
  const said = (code: string, message = 'm') => JSON.stringify({ error: { code, message } });

  it('passes when Azure is busy, throttles or is not well', () => {
    for (const [status, body] of [
      [429, said('SubscriptionRequestsThrottled')],
      [500, ''],
      [502, '<html><head><title>502 Bad Gateway</title></head></html>'],
      [503, said('ServiceUnavailable')],
      [408, ''],
      [412, said('PreconditionFailed')],
      [409, said('AnotherOperationInProgress')],
      [429, said('AnotherOperationInProgress')],
      [409, said('DeploymentActive')],
      [409, said('ReferencedResourceNotProvisioned')],
      [401, said('ExpiredAuthenticationToken')],
    ] as const)
      assert.equal(answered(status, body).kind, 'Transient', `${status} ${body}`);
  });

  it('stops where a person must change something, with the remedy for it', () => {
    for (const [status, body, remedy] of [
      [403, said('AuthorizationFailed'), /role/],
      [403, '', /role/],
      [401, '', /role/],
      [401, said('InvalidAuthenticationToken'), /signs in again/],
      [403, said('RequestDisallowedByPolicy'), /exemption/],
      [409, said('ScopeLocked'), /lock/],
      [400, said('InvalidTemplateDeployment', JSON.stringify({ error: { code: 'QuotaExceeded', message: 'm' } })), /quota/],
      [400, said('InvalidTemplate'), /what Azure names/],
    ] as const) {
      const problem = answered(status, body);
      assert.equal(problem.kind, 'Refused', `${status} ${body}`);
      assert.match(problem.remedy, remedy);
    }
  });

  it('waits as long as it is told, whichever way, but never longer than ten minutes', () => {
    const pause = (headers: Record<string, string>, body = '{}') => answered(429, body, headers).retryAfterMs;
    assert.equal(pause({ 'retry-after': '7' }), 7000);
    assert.equal(pause({ 'retry-after-ms': '250', 'retry-after': '7' }), 250);
    assert.equal(pause({ 'x-ms-retry-after-ms': '300' }), 300);
    assert.equal(
      pause({}, said('SubscriptionRequestsThrottled', "exceeded. Please try again after '10' seconds after additional tokens are available.")),
      10_000,
    );
    assert.equal(pause({ 'retry-after': '86400' }), 600_000);
    const inAMinute = pause({ 'retry-after': new Date(Date.now() + 60_000).toUTCString() }) ?? 0;
    assert.ok(inAMinute > 50_000 && inAMinute <= 60_000, 'a date');
    for (const nothing of ['', 'soon', '0', new Date(0).toUTCString()]) assert.equal(pause({ 'retry-after': nothing }), undefined);
  });

  it('is told in few words, an HTML page too', () => {
    const page = `<!DOCTYPE html><html><head><title>502 - Bad Gateway.</title></head><body>${'x'.repeat(5000)}</body></html>`;
    assert.equal(answered(502, page).summary, 'the answer is not Azure’s: 502, an HTML page, “502 - Bad Gateway.”');
    assert.equal(pageTitle('{"error":{}}'), undefined);
    assert.equal(pageTitle('<html></html>'), 'an HTML page');
  });

  it('of the connection passes, and a long operation’s does not', () => {
    for (const error of [new NoAnswer(60_000), Object.assign(new Error('socket hang up'), { name: 'RestError', code: 'ECONNRESET' })]) {
      assert.ok(isForeign(error));
      assert.equal(azureFailure('asking', error).problem.kind, 'Transient');
    }
    const { kind, code, evidence } = azureFailure('asking', new Error('The long-running operation has failed. InvalidTemplate. The template is bad.')).problem;
    assert.deepEqual([kind, code], ['Refused', 'AZURE_REQUEST_REFUSED']);
    assert.deepEqual(evidence, { source: 'Azure Resource Manager', text: 'InvalidTemplate: The template is bad.' });
    assert.equal(azureFailure('asking', new Error('The long-running operation has failed')).problem.kind, 'Refused');
    assert.ok(azureFailure('asking', new Error('x')) instanceof StepFailure);
  });

  it('that is no answer of anybody is a defect of this service', () => {
    assert.equal(isForeign(new TypeError('x is not a function')), false);
  });
});
