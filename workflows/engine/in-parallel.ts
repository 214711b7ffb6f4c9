import { CancellationScope, isCancellation } from '@temporalio/workflow';
import { isBug } from './failures.ts';

/**
 * Both branches, side by side. A branch that ends badly cancels the other, which still finishes what must not be cut; the first failure that is no
 * cancellation is the one that is thrown, or a bug where there is one.
 */
export async function inParallel<A, B>(a: () => Promise<A>, b: () => Promise<B>): Promise<[A, B]> {
  return CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    const guarded = async <T>(branch: () => Promise<T>): Promise<T> => {
      try {
        return await branch();
      } catch (error) {
        scope.cancel();
        throw error;
      }
    };
    const [x, y] = await Promise.allSettled([guarded(a), guarded(b)]);
    if (x.status === 'fulfilled' && y.status === 'fulfilled') return [x.value, y.value];
    const failures = [x, y].filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason);
    throw failures.find(isBug) ?? failures.find((failure) => !isCancellation(failure)) ?? failures[0];
  });
}
