import type { ProvisioningRequest } from '../../domain/request.ts';

/** A request that notes every field that is read of it, as JSON pointers: texts, numbers, lists and what is absent; of objects what is read of them. */
export function recordingRequest(request: ProvisioningRequest, reads: (pointer: string) => void): ProvisioningRequest {
  return recording(request, '', reads);
}

function recording<T extends object>(value: T, path: string, reads: (pointer: string) => void): T {
  return new Proxy(value, {
    get(target, name, receiver) {
      const found: unknown = Reflect.get(target, name, receiver);
      if (typeof name === 'symbol' || name === 'toJSON') return found;
      const pointer = `${path}/${name}`;
      if (typeof found === 'object' && found !== null && !Array.isArray(found)) return recording(found, pointer, reads);
      // Every object is asked whether it is the name of a secret.
      if (found !== undefined || name !== 'secret') reads(pointer);
      return found;
    },
  });
}
