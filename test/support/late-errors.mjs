// Loaded before a service (`node --import`): a signal has an error thrown that nobody catches, as late events of connections and mistakes in callbacks do.
import { EventEmitter } from 'node:events';

process.on('SIGUSR2', () => {
  const late = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', config: { headers: { authorization: 'Bearer hush' } } });
  new EventEmitter().emit('error', late);
});
process.on('SIGPIPE', () => void Promise.reject(new TypeError('a mistake in a callback')));
process.on('SIGHUP', () => {
  throw Object.assign(new Error('memory limit'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
});
