import { recordLook } from "../../engine/yard-absences.ts";
import type { Records } from "../../ports/records.ts";
import type { Life } from "./scheduler.ts";

/** Which nodes of a yard are there: neither down nor frozen. */
export interface NodePresence {
  begin(life: Life): void;
  /** Call it before the node is frozen. */
  freeze(life: Life, forMs: number): void;
  end(life: Life): void;
  /** Records that the node is looking now, and the absence before, if no node was there. */
  look(life: Life, records: Pick<Records, "get" | "put">): Promise<void>;
}

/**
 * Creates the presence of nodes. Nodes skip instants without work, in which a real process sweeps each minute; so a gap
 * between two looks is an absence only where no node was there.
 */
export function createNodePresence(now: () => number): NodePresence {
  const since = new Map<Life, number>();
  let lastAt = now();

  /** Moves the last instant at which a node was there to the present, unless all are down or frozen. */
  function note(): void {
    if ([...since.values()].some((at) => at <= now())) lastAt = now();
  }

  return {
    begin: (life) => void since.set(life, now()),
    freeze(life, forMs) {
      note();
      since.set(life, now() + forMs);
    },
    end(life) {
      note();
      since.delete(life);
    },
    async look({ skewMs }, records) {
      const [from, until] = [lastAt, Math.min(...since.values())];
      note();
      if (until > from) {
        await recordLook(records, from + skewMs, Number.POSITIVE_INFINITY);
        await recordLook(records, until + skewMs);
      }
      await recordLook(records, now() + skewMs, Number.POSITIVE_INFINITY);
    },
  };
}
