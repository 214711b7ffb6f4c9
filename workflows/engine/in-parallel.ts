import { CancellationScope, isCancellation } from '@temporalio/workflow';

/**
 * Both branches, side by side. A branch that ends badly cancels the other, which still finishes what must not be cut; the first failure that is no
 * cancellation is the one that is thrown.
 */
export async function inParallel<A, B>(a: () => Promise<A>, b: () => Promise<B>): Promise<[A, B]> {
  return CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    const guarded = <T>(branch: () => Promise<T>) =>
      branch().catch((error: unknown) => {
        scope.cancel();
        throw error;
      });
    const [x, y] = await Promise.allSettled([guarded(a), guarded(b)]);
    if (x.status === 'fulfilled' && y.status === 'fulfilled') return [x.value, y.value];
    const failures = [x, y].filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason);
    throw failures.find((failure) => !isCancellation(failure)) ?? failures[0];
  });
}
