import type { Contender } from "./contender.ts";
import { dbosDirect, dbosQueue } from "./dbos.ts";
import { graphileByHand } from "./graphile-by-hand.ts";
import { graphileWorker, graphileWorkerGrouped } from "./graphile-worker.ts";
import { pgBoss, pgBossGrouped } from "./pg-boss.ts";
import { stackyard, stackyardGrouped } from "./stackyard.ts";

/** All that are measured side by side. */
export const contenders: readonly Contender[] = [
  graphileWorker,
  pgBoss,
  dbosDirect,
  stackyard,
  graphileWorkerGrouped,
  pgBossGrouped,
  dbosQueue,
  graphileByHand,
  stackyardGrouped,
];

/** The contender of that id. Throws when there is none: the list is ours. */
export function findContender(id: string): Contender {
  const contender = contenders.find((one) => one.id === id);
  if (contender === undefined) throw new Error(`There is no contender "${id}".`);
  return contender;
}
