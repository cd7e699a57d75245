import type { Contender } from "./contender.ts";

type Load = () => Promise<Contender>;

const LOADERS: Readonly<Record<string, Load>> = {
  "graphile-worker": async () => (await import("./graphile-worker.ts")).graphileWorker,
  "graphile-worker-grouped": async () => (await import("./graphile-worker.ts")).graphileWorkerGrouped,
  "graphile-by-hand": async () => (await import("./graphile-worker.ts")).graphileByHand,
  "pg-boss": async () => (await import("./pg-boss.ts")).pgBoss,
  "pg-boss-grouped": async () => (await import("./pg-boss.ts")).pgBossGrouped,
  dbos: async () => (await import("./dbos.ts")).dbosDirect,
  "dbos-queue": async () => (await import("./dbos.ts")).dbosQueue,
  stackyard: async () => (await import("./stackyard.ts")).stackyard,
  "stackyard-grouped": async () => (await import("./stackyard.ts")).stackyardGrouped,
};

/** Imports one contender and nothing of the others, whose code would count as its memory. */
export function loadContender(id: string): Promise<Contender> {
  const load = LOADERS[id];
  if (load === undefined) throw new Error(`Unknown contender "${id}".`);
  return load();
}

/** Imports all of them. */
export function loadContenders(): Promise<readonly Contender[]> {
  return Promise.all(CONTENDER_IDS.map(loadContender));
}

/** In the order in which they are measured and shown. */
export const CONTENDER_IDS: readonly string[] = [
  "graphile-worker",
  "pg-boss",
  "dbos",
  "graphile-by-hand",
  "stackyard",
  "graphile-worker-grouped",
  "pg-boss-grouped",
  "dbos-queue",
  "stackyard-grouped",
];
