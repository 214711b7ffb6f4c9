import { managerScenarios } from '../support/explorer/manager-scenarios.ts';
import { explorerSuite } from '../support/explorer/suite.ts';

explorerSuite('steps at CipherTrust Manager', managerScenarios);
