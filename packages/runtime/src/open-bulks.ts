import type { Ids } from "@stackyard/core";
import type { Bulks } from "@stackyard/core/bulk";
import type { StateManagerParts } from "./state-manager-parts.ts";

/** Events of a bulk operation that are decided at a time, while it waits. */
const BULK_DRAIN_MS = 5_000;

/**
 * Items are queued in the store, whose queue this process drains while it waits for them: it may be the only one that
 * does. Loaded when it is first used: the start of a function does not need it.
 */
export function openBulks(
  deps: Pick<StateManagerParts, "store" | "yard" | "clock" | "logger"> & { readonly ids: Ids },
): StateManagerParts["bulks"] {
  let opened: Promise<Bulks> | undefined;
  const open = () => {
    opened ??= load(deps);
    return opened;
  };
  return {
    run() {
      open().then(
        (bulks) => bulks.run(),
        (error: unknown) => deps.logger.error("Bulk operations could not be loaded.", { error }),
      );
    },
    continueUntil: async (stopAt) => (await open()).continueUntil(stopAt),
    stop: async () => (await opened)?.stop(),
  };
}

async function load(deps: Parameters<typeof openBulks>[0]): Promise<Bulks> {
  const { createBulks } = await import("@stackyard/core/bulk");
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
