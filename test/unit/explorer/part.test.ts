import { lunacmScenarios, lunashScenarios } from '../../support/explorer/luna-scenarios.ts';
import { explorerSuite } from '../../support/explorer/suite.ts';

// Some of the schedules; `npm run test:explorer` plays all of them.
explorerSuite('some of all schedules', [...lunashScenarios, ...lunacmScenarios], { every: 29 });
