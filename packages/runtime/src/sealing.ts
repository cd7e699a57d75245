import type { Clock } from "@stackyard/core";
import {
  checkSealKey,
  createSealer,
  parseSealKeys,
  type Sealer,
  sealStore,
  withOwnKey,
} from "@stackyard/core/services";
import type { OpenedStore } from "./open-store.ts";

// Functions read this file when they open their store, so that they start sooner.

/** A store, and the sealer for what tasks store. */
export interface SealedStore {
  readonly store: OpenedStore;
  readonly sealer: Sealer | undefined;
}

/** Returns a sealer with the keys of `STACKYARD_SEAL_KEY`. */
export function toSealer(keys: string): Sealer {
  return createSealer(parseSealKeys(keys, "STACKYARD_SEAL_KEY"));
}

/**
 * Returns the store with sealed values, and its sealer: that of the given key, else of the yard's own, which is made where
 * nothing is sealed yet. Closes the store and throws `SEAL_KEY_MISSING` without the yard's key.
 */
export async function sealOpened(
  opened: OpenedStore,
  given: Sealer | undefined,
  clock: Pick<Clock, "now">,
): Promise<SealedStore> {
  try {
    const sealer = await withOwnKey({ records: opened.records, clock }, given, { makes: true });
    await checkSealKey(opened.records, sealer, clock.now());
    return { store: sealStore(opened, sealer), sealer };
  } catch (error) {
    await opened.close();
    throw error;
  }
}
