/** One that waits for a key. `sequence` is the order of dispatch, which is the order of the queue. */
export interface KeyWaiter {
  readonly attemptId: string;
  readonly sequence: number;
}

/** An exclusive key with its holder and its waiters, in order. A free key has no entry. */
export interface KeyQueue {
  readonly holder: string;
  readonly waiters: readonly KeyWaiter[];
}

/** Takes a free key, or joins its queue in order of dispatch. Idempotent. */
export function joinKeyQueue(queue: KeyQueue | undefined, { attemptId, sequence }: KeyWaiter): KeyQueue {
  if (queue === undefined) return { holder: attemptId, waiters: [] };
  if (queue.holder === attemptId || queue.waiters.some((each) => each.attemptId === attemptId)) return queue;
  const later = queue.waiters.findIndex((each) => each.sequence > sequence);
  const at = later === -1 ? queue.waiters.length : later;
  return { ...queue, waiters: queue.waiters.toSpliced(at, 0, { attemptId, sequence }) };
}

/** Leaves the queue; a holder passes the key to the next waiter. Returns undefined when the key is free. Idempotent. */
export function leaveKeyQueue(queue: KeyQueue, attemptId: string): KeyQueue | undefined {
  const waiters = queue.waiters.filter((each) => each.attemptId !== attemptId);
  if (queue.holder !== attemptId) return waiters.length === queue.waiters.length ? queue : { ...queue, waiters };
  const [next, ...others] = waiters;
  return next === undefined ? undefined : { ...queue, holder: next.attemptId, waiters: others };
}

/** Returns the key's holder and the position of a waiter, from 1; undefined when the attempt does not wait. */
export function findKeyPlace(
  queue: KeyQueue | undefined,
  attemptId: string,
): { readonly holder: string; readonly place: number } | undefined {
  const index = queue?.waiters.findIndex((each) => each.attemptId === attemptId) ?? -1;
  return queue === undefined || index === -1 ? undefined : { holder: queue.holder, place: index + 1 };
}
