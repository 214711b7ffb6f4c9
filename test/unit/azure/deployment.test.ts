import assert from 'node:assert/strict';
import { isOneOf, marksOf } from '../../../systems/azure/deployment.ts';
import { hsmDeployment } from '../../../systems/azure/hsm-template.ts';
import { exampleRequest } from '../../support/example.ts';

const request = exampleRequest();
const ours = [true, false].map((withGateway) => hsmDeployment({ target: 't', request }, withGateway));
const run = { scheduledAt: 7, number: 1 };
const azureHash = '4711';

/** A deployment as Azure shows it: the values of its parameters with their types, and the template’s hash. */
const seen = ({ tags = marksOf(ours[0]!, azureHash, run), parameters = {} as Record<string, { value: string }>, templateHash = azureHash }) => ({
  id: '/x/deployments/HSMdeploy',
  name: 'HSMdeploy',
  tags,
  properties: {
    templateHash,
    parameters: Object.fromEntries(Object.entries({ ...ours[0]!.parameters, ...parameters }).map(([name, { value }]) => [name, { type: 'String', value }])),
  },
});
const other = structuredClone(request);
other.hsm.stamp = 'stamp2';

describe('A deployment of the name that a job uses', () => {
  const rows: [what: string, deployment: ReturnType<typeof seen>, isOurs: boolean][] = [
    ['with our template and parameters', seen({}), true],
    ['that went without the gateway', seen({ tags: marksOf(ours[1]!, azureHash, run) }), true],
    ['whose template Azure told no hash of when it was sent', seen({ tags: marksOf(ours[0]!, undefined, run) }), true],
    ['with a parameter more, such as one of the user’s own template that has its default', seen({ parameters: { ErSku: { value: 'Standard' } } }), true],
    ['without any mark', seen({ tags: {} }), false],
    ['marked as a job with another template', seen({ tags: marksOf(hsmDeployment({ target: 't', request: other }, true), azureHash, run) }), false],
    ['of another target', seen({ tags: marksOf(hsmDeployment({ target: 'u', request }, true), azureHash, run) }), false],
    ['with our mark on other parameters', seen({ parameters: { HSMResourceName: { value: 'their-hsm' } } }), false],
    ['with our mark on another template', seen({ templateHash: '4712' }), false],
  ];
  for (const [what, deployment, isOurs] of rows)
    it(`${what} is ${isOurs ? 'ours' : 'not ours'}`, () => assert.equal(isOneOf(deployment as never, ours), isOurs));
});
