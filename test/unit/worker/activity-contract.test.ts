import assert from 'node:assert/strict';
import { StepFailure } from '../../../domain/failure.ts';
import { activitySchemas } from '../../../domain/schemas/steps.ts';
import { type ActivityId, stepIds } from '../../../domain/steps.ts';
import { checkInput, checkResult } from '../../../worker/activity-contract.ts';
import { exampleRequest } from '../../support/example.ts';
import { stubActivities } from '../../support/stub-activities.ts';

const context = () => ({ target: 't', runId: 'r', request: exampleRequest() });
const problemOf = (work: () => void) => {
  try {
    work();
  } catch (error) {
    if (error instanceof StepFailure) return error.problem;
    throw error;
  }
  return assert.fail('nothing was found');
};

describe('What activities are given and answer', () => {
  it('is described for every activity, and for no other', () => {
    assert.deepEqual(
      Object.keys(activitySchemas).sort(),
      [...stepIds.filter((id) => id !== 'approve-zeroize'), 'enter-approval', 'inventory', 'what-if'].sort(),
    );
  });

  it('is let through where it fits', async () => {
    checkInput('keep-secrets', context());
    checkInput('ntp', { ...context(), order: 2, cipherTrust: { address: '172.22.0.5', pin: 'AA' } });
    const { activities } = stubActivities();
    for (const id of Object.keys(activities) as ActivityId[]) checkResult(id, await activities[id]({} as never));
  });

  it('is let through with fields that a newer version added', () => {
    checkInput('keep-secrets', { ...context(), later: true });
    checkResult('license', { kind: 'trial', state: 'activated', later: true });
  });

  it('is refused with every mistake of shape of the input, each with its path', () => {
    const {
      kind,
      summary: seen,
      remedy,
    } = problemOf(() => checkInput('windows-vm', { ...context(), target: 7, image: { publisher: 'p', offer: 'o', sku: 's' } }));
    assert.equal(kind, 'Refused');
    assert.equal(
      seen,
      '3 mistakes in its input; nothing was done: /target: Must be text, is 7. /image/version: Missing required field /image/version. /computeSubnetId: Missing required field /computeSubnetId.',
    );
    assert.match(remedy, /same version on all workers/);
  });

  it('is refused with the mistakes of the request, its rules included, in the first step', () => {
    const request = { ...exampleRequest(), approval: { deadlineHours: '24' } };
    request.azure = { ...request.azure, region: 'nowhere' };
    const { kind, summary: seen, remedy } = problemOf(() => checkInput('keep-secrets', { ...context(), request }));
    assert.equal(kind, 'Refused');
    assert.match(seen, /^2 mistakes.*\/request\/approval\/deadlineHours: Must be a number between 0.001 and 720, is "24"\..*\/request\/azure\/region: /);
    assert.match(remedy, /Abort the job, correct the request/);
  });

  it('is not judged by rules in later steps, nor where a template was taken out', () => {
    const request = exampleRequest();
    const { address: _, stamp: __, ...hsm } = request.hsm;
    checkInput('keep-secrets', { ...context(), request: { ...request, hsm: { ...hsm, template: { inline: {} } } } });
    checkInput('check-feature', { ...context(), request: { ...request, azure: { ...request.azure, region: 'nowhere' } } });
  });

  it('is a bug where a result does not fit: its paths are named, its values are not quoted', () => {
    const { kind, summary: seen } = problemOf(() => checkResult('create-partition', { partition: { name: 'p', serial: Number.NaN, sizeBytes: 'secret' } }));
    assert.equal(kind, 'Unsafe');
    assert.equal(seen, 'it is not what later steps rely on, at /partition/serial, /partition/sizeBytes');
    assert.match(problemOf(() => checkResult('ntp', undefined)).summary, /at \/$/);
  });
});
