// Lets the SDK download the Temporal CLI into a folder: `download-temporal.mjs FOLDER VERSION`. The SDK downloads only to start a server, so one starts, on a
// free port, and ends.
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [, , downloadDir, version] = process.argv;
const environment = await TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'cached-download', downloadDir, version } } });
await environment.teardown();
process.exit(0);
