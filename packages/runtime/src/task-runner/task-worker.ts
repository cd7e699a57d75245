import type { createMessageWorker } from "@stackyard/core/engine";

/** What works task messages, with a store or by message alone. */
export type TaskWorker = ReturnType<typeof createMessageWorker>;
