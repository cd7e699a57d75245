import type { Store } from "@stackyard/core";
import type { GroupCommit } from "./group-commit.ts";
import { listHistory } from "./history.ts";
import { listStacks } from "./list-stacks.ts";
import { listParkedStackIds } from "./park-events.ts";
import { beginPruning, prune } from "./prune.ts";
import { listSetAside, redrive } from "./set-aside-events.ts";

type QueryCalls = Pick<
  Store,
  "listStacks" | "listHistory" | "listParkedStackIds" | "listSetAside" | "redrive" | "stats" | "prune"
>;

/** Lists for people, counts and pruning. */
export function createStackQueries(commits: GroupCommit): QueryCalls {
  const progress = beginPruning();
  return {
    listStacks: (filter, page) => commits.read(({ database }) => listStacks(database, filter, page)),
    listHistory: (filter, page) =>
      commits.read(({ database, positions }) => listHistory(database, positions, filter, page)),
    listParkedStackIds: (page) => commits.read(({ database }) => listParkedStackIds(database, page)),
    listSetAside: (filter, page) => commits.read(({ database }) => listSetAside(database, filter, page)),
    redrive: (ids) => commits.write((transaction) => redrive(transaction, ids), ids.length),
    stats: () => commits.read(({ tally }) => tally.read()),
    prune: (retention, now) => commits.write((transaction) => prune(transaction, progress, retention, now)),
  };
}
