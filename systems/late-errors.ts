import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';

const unheard = (): void => {};

/**
 * Lets an emitter fail at any time without ending the process. Node throws an 'error' event that nobody listens to, and `once` hears the first alone: but a
 * connection may fail twice, after it was handed over, and after whoever opened it has given up. Called where the emitter is made; whoever waits for it listens
 * as well, since this listener reports nothing.
 */
export function surviveLateErrors<E extends Pick<EventEmitter, 'listeners' | 'on'>>(emitter: E): E {
  if (!emitter.listeners('error').includes(unheard)) emitter.on('error', unheard);
  return emitter;
}

const hearSocket = (message: unknown): void => void surviveLateErrors((message as { socket: EventEmitter }).socket);
const hearRequest = (message: unknown): void => void surviveLateErrors((message as { request: EventEmitter }).request);

/** The same for every socket and every HTTP request that this process makes: libraries hand theirs to nobody, and listen once. */
export function surviveErrorsOfLibraries(): void {
  for (const [channel, hear] of [
    ['net.client.socket', hearSocket],
    ['http.client.request.created', hearRequest],
  ] as const) {
    unsubscribe(channel, hear);
    subscribe(channel, hear);
  }
}
