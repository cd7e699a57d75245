import type { ServiceDeps } from "@stackyard/core";
import { createKeyedQueue, type KeyedQueue } from "@stackyard/core/services";

/** Opens a queue by its name. */
export type OpenQueue = (deps: ServiceDeps, name: string) => KeyedQueue;

/** Creates the opener. A queue counts its items, so there is one per store and name. */
export function createQueueOpener(): OpenQueue {
  const queues = new WeakMap<object, Map<string, KeyedQueue>>();
  return (deps, name) => {
    const known = queues.get(deps.records) ?? new Map<string, KeyedQueue>();
    queues.set(deps.records, known);
    const queue = known.get(name) ?? createKeyedQueue(deps, name);
    known.set(name, queue);
    return queue;
  };
}
