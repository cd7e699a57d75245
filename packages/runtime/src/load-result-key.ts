import type { Clock, Store } from "@stackyard/core";
import { loadSharedKey } from "@stackyard/core/yard";

const KEY = "transport/result-key";

/**
 * Loads the key with which the yard's runners prove their results, and its services the senders of events, to its state
 * manager. It is in the store: a program that may only send to the queue of events does not have it, and does not need
 * it. Closes the store when it fails.
 */
export async function loadResultKey(store: Pick<Store, "records" | "close">, clock: Clock): Promise<string> {
  try {
    return await findResultKey(store.records, clock);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Loads that key for a process with the records of the yard. */
export async function findResultKey(records: Store["records"], clock: Clock): Promise<string> {
  return loadSharedKey(records, KEY, clock.now());
}
