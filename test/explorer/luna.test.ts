import { lunashScenarios } from '../support/explorer/luna-scenarios.ts';
import { explorerSuite } from '../support/explorer/suite.ts';

explorerSuite('steps at the HSM', lunashScenarios);
