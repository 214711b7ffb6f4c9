import { fileURLToPath } from 'node:url';
import { keptWorkflowCode } from '../../worker/workflow-bundle.ts';

/** The workflows' code, made once for all tests: where the stacks of tests keep it, too. */
export const testedWorkflowCode = () => keptWorkflowCode(fileURLToPath(new URL('../../.data/workflow-code', import.meta.url)));
