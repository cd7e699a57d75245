// A yard in a process of its own, made to be killed: node yard-process.ts FOLDER STACKS TRANSITIONS
import { silentLogger } from "@stackyard/core";
import { createUlids, publishMessages, startYard, systemClock } from "@stackyard/core/engine";
import { createSqliteStore } from "@stackyard/store-sqlite";
import { LAST_STATE, startMessage } from "./chain-machine.ts";
import { createChain, LEASE_MS } from "./work-executor.ts";

const PUBLISH_BATCH = 100;
const LOOK_EVERY_MS = 100;

const [folder = ".", stacks = "1", transitions = "1"] = process.argv.slice(2);
const plan = { stacks: Number(stacks), transitions: Number(transitions) };
const chain = createChain(folder, plan.transitions);
process.send?.("opening");
const store = await createSqliteStore({ folder });
const deps = { store, ...chain, clock: systemClock, ids: createUlids(), logger: silentLogger };
const yard = startYard(deps, { concurrency: 16, worker: { leaseMs: LEASE_MS } });

// Every process sends all of them again: known ids are skipped.
for (let first = 0; first < plan.stacks; first += PUBLISH_BATCH) {
  const count = Math.min(PUBLISH_BATCH, plan.stacks - first);
  await publishMessages(
    deps,
    Array.from({ length: count }, (_, index) => startMessage(first + index)),
  );
}
process.send?.("ready");

/** What three processes in a row were killed with is given up for a person, who tries it again. */
async function retryGivenUp(): Promise<void> {
  const { items } = await store.queries.listStacks({ code: "WORKER_LOST" }, { limit: 100 });
  const messages = items.map(({ stack: { id, entry, attempts } }) => {
    return { id: `retry-${id}-${entry}-${attempts["work"] ?? 0}`, stackId: id, event: "RETRY_FAILED_TASKS" };
  });
  if (messages.length > 0) await publishMessages(deps, messages);
}

for (;;) {
  await systemClock.sleep(LOOK_EVERY_MS);
  await retryGivenUp();
  const { states } = await store.queries.stats();
  const done = states.find(({ state }) => state === LAST_STATE)?.count ?? 0;
  if (done === plan.stacks) break;
}
await yard.stop();
await store.close();
process.send?.("done");
process.disconnect?.();
