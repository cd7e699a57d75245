import type { Logger, Store } from "@stackyard/core";
import type { Database } from "./database.ts";
import { listHistory } from "./list-history.ts";
import { listParkedStackIds } from "./list-parked-stack-ids.ts";
import { listStacks } from "./list-stacks.ts";
import { createPrune } from "./prune.ts";
import { listSetAside, redrive } from "./set-aside-events.ts";
import type { Signals } from "./signals.ts";
import { readStats } from "./stats.ts";
import { lookAtForeignRows } from "./take-over.ts";

type QueryCalls = Pick<
  Store,
  "listStacks" | "listHistory" | "listParkedStackIds" | "listSetAside" | "redrive" | "stats" | "prune"
>;

const EVENT = new Set(["event"] as const);

/** Lists for people, counts and pruning. */
export function createStackQueries(database: Database, signals: Signals, logger: Logger): QueryCalls {
  return {
    async listStacks(filter, page) {
      await lookAtForeignRows(database, logger);
      return listStacks(database, filter, page);
    },
    listHistory: (filter, page) => listHistory(database, filter, page),
    listParkedStackIds: (page) => listParkedStackIds(database, page),
    listSetAside: (filter, page) => listSetAside(database, filter, page),
    async redrive(ids) {
      const found = await redrive(database, ids);
      signals.tell(EVENT);
      return found;
    },
    async stats() {
      await lookAtForeignRows(database, logger);
      return readStats(database);
    },
    prune: createPrune(database),
  };
}
