import { setTimeout as sleep } from "node:timers/promises";
import { isMap, isStackyardError } from "@stackyard/core";
import { createUlids, publishMessages, systemClock } from "@stackyard/core/engine";
import { startPostgres } from "@stackyard/postgres-server";
import { createPostgresStore, type PostgresStore } from "@stackyard/store-postgres";
import { expect, it, onTestFinished } from "vitest";
import { forkProgram, startYardProcess, toVictim, type Victim } from "../src/cluster.ts";

const IS_LONG = process.env["LONG_TESTS"] !== undefined;
const CONCURRENCY = IS_LONG ? 20 : 1;
const TENANTS = Array.from({ length: IS_LONG ? 400 : 5 }, (_, index) => `t${index}`);
const RELEASE = "shop-1.42.0";
const LOOK_EVERY_MS = 200;
const BETWEEN_KILLS_MS = IS_LONG ? 6_000 : 1_500;

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

/** Kills each, one after the other, while the release is on its way to a state; of many tenants again and again. */
async function killUntil(store: PostgresStore, victims: readonly Victim[], state: string): Promise<void> {
  let isThere = false;
  const arrived = waitFor(store, [RELEASE], state).then(() => {
    isThere = true;
  });
  for (let kills = 0; kills < victims.length || (IS_LONG && !isThere); kills += 1) {
    await sleep(BETWEEN_KILLS_MS);
    if (!isThere) await victims[kills % victims.length]?.kill();
  }
  await arrived;
}

async function listApplied(store: PostgresStore, stackId: string): Promise<readonly unknown[]> {
  const { items } = await store.queries.listHistory({ stackId }, { limit: 1_000 });
  const applied = items.filter(({ event, outcome }) => event === "RELEASED" && outcome === "applied");
  return applied.map(({ metadata }) => (isMap(metadata) ? metadata["api"] : undefined));
}

it("a release and its undo send each event once, whatever is killed on their way", {
  timeout: 1_800_000,
}, async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const store = await createPostgresStore({ connection: server.url, maxConnections: 4 });
  onTestFinished(() => store.close());
  const fork = () => forkProgram("release-process.ts", server.url, String(CONCURRENCY));
  const start = (name: string) => startYardProcess(name, fork);
  const processes = [start("yard 1"), start("yard 2")] as const;
  onTestFinished(async () => void (await Promise.all(processes.map((each) => each.end()))));
  const [one, two] = processes;
  const database = toVictim(server);
  const opened = TENANTS.map((stackId) => {
    return { id: `open-${stackId}`, stackId, machine: "tenant", event: "OPENED", metadata: { api: "1.41.0" } };
  });
  await publish(store, opened);
  await waitFor(store, TENANTS, "LIVE");

  const release = { stackId: RELEASE, machine: "shop", metadata: { api: "1.42.0" } };
  await publish(store, [{ ...release, id: "go", event: "RELEASED" }]);
  await killUntil(store, [one, database, two, one], "DONE");
  await publish(store, [{ id: "back", stackId: release.stackId, event: "ROLLBACK" }]);
  await killUntil(store, [two, database, one], "UNDONE");

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
