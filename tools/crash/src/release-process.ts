// One process of a yard with releases on Postgres, made to be killed: node release-process.ts URL CONCURRENCY
import { silentLogger } from "@stackyard/core";
import { createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { createPostgresStore } from "@stackyard/store-postgres";
import { createReleaseMachines } from "./release-machines.ts";
import { LEASE_MS } from "./work-executor.ts";

const [url = "", concurrency = "1"] = process.argv.slice(2);
const machines = createReleaseMachines(Number(concurrency));
const store = await createPostgresStore({ connection: url, migrate: false, maxConnections: 4 });
const deps = { store, ...machines, clock: systemClock, ids: createUlids(), logger: silentLogger };
startYard(deps, { concurrency: 8, worker: { leaseMs: LEASE_MS } });
process.send?.("ready");
// Its parent is gone: so is the reason to run.
process.on("disconnect", () => process.exit(0));
