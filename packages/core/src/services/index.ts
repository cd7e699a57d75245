export {
  type ClaimedItems,
  createKeyedQueue,
  type KeyedQueue,
  type KeyedQueueDeps,
  type ListedItem,
  type PutOptions,
} from "./keyed-queue.ts";
export type { QueueClaim, QueueDelay, QueueFailure, QueueItem } from "./queue-item.ts";
export { createSealer, parseSealKeys, provideSealer, SEALER, type Sealer } from "./sealer.ts";
