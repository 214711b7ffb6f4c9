import { DefaultLogger, Runtime } from '@temporalio/worker';

/** The SDK's runtime is one a process: it is installed here, once, and only says what went wrong. */
Runtime.install({ logger: new DefaultLogger('ERROR') });
