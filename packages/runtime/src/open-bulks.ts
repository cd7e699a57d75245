import type { Ids } from "@stackyard/core";
import { createBulks } from "@stackyard/core/engine";
import type { StateManagerParts } from "./state-manager-parts.ts";

/** Events of a bulk operation that are decided at a time, while it waits. */
const BULK_DRAIN_MS = 5_000;

/**
 * Items are queued in the store, whose queue this process drains while it waits for them: it may be the only one that
 * does.
 */
export function openBulks(
  deps: Pick<StateManagerParts, "store" | "yard" | "clock" | "logger"> & { readonly ids: Ids },
): StateManagerParts["bulks"] {
  const { yard, clock } = deps;
  return createBulks({
    ...deps,
    bell: {
      count: 0,
      async wait(_count, ms, signal) {
        const drained = await yard.drain(clock.now() + BULK_DRAIN_MS);
        if (drained === 0) await clock.sleep(ms, signal);
      },
    },
  });
}
