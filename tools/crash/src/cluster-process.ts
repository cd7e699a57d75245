// One process of a yard on Postgres, made to be killed: node cluster-process.ts ROLE URL FOLDER TRANSITIONS
import { silentLogger } from "@stackyard/core";
import { createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { createPostgresStore } from "@stackyard/store-postgres";
import { chainMachineSource, MACHINE_NAME } from "./chain-machine.ts";
import { createWorkExecutor, LEASE_MS } from "./work-executor.ts";

const [role, url = "", folder = ".", transitions = "1"] = process.argv.slice(2);
const work = createWorkExecutor(folder);
const executors = new Map([[work.name, work]]);
const source = chainMachineSource({ stacks: 0, transitions: Number(transitions) });
const { machine, problems } = parseMachine(source, { name: MACHINE_NAME, executors });
if (machine === undefined) throw new Error(`The machine has problems: ${JSON.stringify(problems)}`);

const store = await createPostgresStore({ connection: url, migrate: false, maxConnections: 4 });
const locator = createStaticLocator([{ machine, source }]);
const deps = { store, locator, clock: systemClock, ids: createUlids(), logger: silentLogger, executors };
startYard(deps, {
  roles: [role === "engine" ? "engine" : "worker"],
  concurrency: 16,
  worker: { leaseMs: LEASE_MS },
});
process.send?.("ready");
// Its parent is gone: so is the reason to run.
process.on("disconnect", () => process.exit(0));
