import type { Clock, Store } from "@stackyard/core";
import { loadSharedKey } from "@stackyard/core/engine";

const KEY = "transport/result-key";

/**
 * The key with which the yard's runners prove their results to its state manager. It lies in the store, so that who may only
 * send to the queue of events has none; who only sends events needs none. Closes the store where it fails.
 */
export async function loadResultKey(store: Pick<Store, "records" | "close">, clock: Clock): Promise<string> {
  try {
    return await loadSharedKey(store.records, KEY, clock.now());
  } catch (error) {
    await store.close();
    throw error;
  }
}
