import { azureScenarios } from '../support/explorer/azure-scenarios.ts';
import { explorerSuite } from '../support/explorer/suite.ts';

explorerSuite('steps at Azure', azureScenarios);
