import { setTimeout as sleep } from "node:timers/promises";
import { isMap, isStackyardError } from "@stackyard/core";
import { createUlids, publishMessages, systemClock } from "@stackyard/core/engine";
import { startPostgres } from "@stackyard/postgres-server";
import { createPostgresStore, type PostgresStore } from "@stackyard/store-postgres";
import { expect, it, onTestFinished } from "vitest";
import { forkProgram, startYardProcess, toVictim, type Victim } from "../src/cluster.ts";

const TENANTS = ["t0", "t1", "t2", "t3", "t4"];
const LOOK_EVERY_MS = 200;
const BETWEEN_KILLS_MS = 1_500;

/** The database may be gone for a moment. */
async function insist<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isStackyardError(error) || !error.retryable) throw error;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

const publish = (store: PostgresStore, messages: readonly object[]) =>
  insist(() => publishMessages({ store, clock: systemClock, ids: createUlids() }, messages));

async function waitFor(store: PostgresStore, ids: readonly string[], state: string): Promise<void> {
  for (;;) {
    const stacks = await insist(() => store.load(ids));
    if (stacks.every(({ stack }) => stack?.state === state)) return;
    await sleep(LOOK_EVERY_MS);
  }
}

/** Kills each, one after the other, while the release is on its way. */
async function killAll(victims: readonly Victim[]): Promise<void> {
  for (const victim of victims) {
    await sleep(BETWEEN_KILLS_MS);
    await victim.kill();
  }
}

async function listApplied(store: PostgresStore, stackId: string): Promise<readonly unknown[]> {
  const { items } = await store.queries.listHistory({ stackId }, { limit: 1_000 });
  const applied = items.filter(({ event, outcome }) => event === "RELEASED" && outcome === "applied");
  return applied.map(({ metadata }) => (isMap(metadata) ? metadata["api"] : undefined));
}

it("a release and its undo send each event once, whatever is killed on their way", {
  timeout: 300_000,
}, async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const store = await createPostgresStore({ connection: server.url, maxConnections: 4 });
  onTestFinished(() => store.close());
  const start = (name: string) => startYardProcess(name, () => forkProgram("release-process.ts", server.url));
  const processes = [start("yard 1"), start("yard 2")] as const;
  onTestFinished(async () => void (await Promise.all(processes.map((each) => each.end()))));
  const [one, two] = processes;
  const database = toVictim(server);
  const opened = TENANTS.map((stackId) => {
    return { id: `open-${stackId}`, stackId, machine: "tenant", event: "OPENED", metadata: { api: "1.41.0" } };
  });
  await publish(store, opened);
  await waitFor(store, TENANTS, "LIVE");

  const release = { stackId: "shop-1.42.0", machine: "shop", metadata: { api: "1.42.0" } };
  await publish(store, [{ ...release, id: "go", event: "RELEASED" }]);
  await killAll([one, database, two, one]);
  await waitFor(store, [release.stackId], "DONE");
  await publish(store, [{ id: "back", stackId: release.stackId, event: "ROLLBACK" }]);
  await killAll([two, database, one]);
  await waitFor(store, [release.stackId], "UNDONE");

  const applied = await Promise.all(TENANTS.map((stackId) => listApplied(store, stackId)));
  expect(applied).toEqual(TENANTS.map(() => ["1.42.0", "1.41.0"]));
  const { queuedEvents, openAttempts, parkedEvents, deadLetters } = await store.queries.stats();
  expect({ queuedEvents, openAttempts, parkedEvents, deadLetters }).toEqual({
    queuedEvents: 0,
    openAttempts: 0,
    parkedEvents: 0,
    deadLetters: 0,
  });
  expect(processes.flatMap((each) => each.ownExits())).toEqual([]);
});
