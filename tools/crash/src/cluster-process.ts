// One process of a yard on Postgres, made to be killed: node cluster-process.ts ROLE URL FOLDER TRANSITIONS
import { silentLogger } from "@stackyard/core";
import { createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { createPostgresStore } from "@stackyard/store-postgres";
import { createChain, LEASE_MS } from "./work-executor.ts";

const [role, url = "", folder = ".", transitions = "1"] = process.argv.slice(2);
const chain = createChain(folder, Number(transitions));
const store = await createPostgresStore({ connection: url, migrate: false, maxConnections: 4 });
const deps = { store, ...chain, clock: systemClock, ids: createUlids(), logger: silentLogger };
startYard(deps, {
  roles: [role === "engine" ? "engine" : "worker"],
  concurrency: 16,
  worker: { leaseMs: LEASE_MS },
});
process.send?.("ready");
// Its parent is gone: so is the reason to run.
process.on("disconnect", () => process.exit(0));
