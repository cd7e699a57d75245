import type { Row } from "./attributes.ts";
import { toShard } from "./work-keys.ts";

/** What only `prune` looks for is spread over so many parts of the index. */
export const UPKEEP_SHARDS = 4;

/** The attributes by which the sweep's index finds an item, by kind and in order of that instant. */
export function toSweepKey(kind: string, id: string, at: number): Row {
  return { sweepKey: `${kind}#${toShard(id, UPKEEP_SHARDS)}`, sweepAt: at };
}
