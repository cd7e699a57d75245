import { execFile } from "node:child_process";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { defineExecutor, type LocatedMachine, type Locator, type Step, silentLogger, succeeded } from "@stackyard/core";
import { publishMessages } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { aDispatch, aPut, aQueuedEvent } from "@stackyard/core/testing";
import { createUlids, createYard, systemClock } from "@stackyard/core/yard";
import { Type } from "typebox";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { PostgresStore } from "./create-postgres-store.ts";
import { type OwnServer, startOwnServer } from "./testing/test-server.ts";

const SOURCE = `
version: 2
events: { GO: {}, NOTE: {} }
states:
  INIT: { on: { GO: WORK } }
  WORK: { tasks: [work], on: { NEXT: LIVE, NOTE: no-op } }
  LIVE: {}
tasks: { work: { executor: work, config: {} } }
`;

let server: OwnServer;
beforeAll(async () => {
  server = await startOwnServer({ durable: true });
});
afterAll(() => server.stop());

/** Copies the data of the running server as a crash would leave them. */
async function copyData(): Promise<string> {
  const copy = join(server.folder, "copy");
  server.freeze();
  try {
    // With their owners.
    await promisify(execFile)("cp", ["-a", join(server.folder, "data"), copy]);
    await rm(join(copy, "postmaster.pid"));
  } finally {
    server.thaw();
  }
  return copy;
}

/** A failover that loses the commits since the copy: the programs that use the server continue. */
async function goBackTo(copy: string): Promise<void> {
  await server.kill();
  await rm(join(server.folder, "data"), { recursive: true });
  await rename(copy, join(server.folder, "data"));
  await server.start();
}

/** A process of a yard, and the end of its tasks. */
function createProcess(store: PostgresStore) {
  const deeds: (() => void)[] = [];
  const work = defineExecutor({
    name: "work",
    config: Type.Object({}),
    start: () => new Promise<Step>((resolve) => deeds.push(() => resolve(succeeded({})))),
  });
  const executors = new Map([[work.name, work]]);
  const locate = (name: string): LocatedMachine => {
    const { machine, problems } = parseMachine(SOURCE, { name, executors });
    if (machine === undefined) return { kind: "invalid", problems };
    return { kind: "found", machine, revision: { name, hash: machine.hash, source: SOURCE }, problems };
  };
  const locator: Locator = { find: async (name) => locate(name), list: async () => [] };
  const deps = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
  return { deps, deeds, yard: createYard(deps) };
}

it("loses what was committed since, and nothing that comes after it (patroni#1894, pg_timetable#364)", {
  tags: "promise",
  timeout: 120_000,
}, async () => {
  const schema = "back";
  const [store, other] = [await server.open({ schema }), await server.open({ schema })];
  const { yard, deps, deeds } = createProcess(store);
  const running = yard.start();
  const find = async (stackId: string) => (await store.load([stackId]))[0]?.stack;
  await publishMessages(deps, [{ id: "e1", stackId: "s1", event: "GO", machine: "app" }]);
  await expect.poll(() => deeds.length).toBe(1);
  const now = Date.now();
  const dispatches = [aDispatch("a1", { stackId: "s2", executor: "another" })];
  await store.commit([aPut({ id: "s2" }, { dispatches, now })]);

  const copy = await copyData();
  await publishMessages(deps, [{ id: "e2", stackId: "s1", event: "NOTE", metadata: { lost: true } }]);
  await publishMessages(deps, [{ id: "e3", stackId: "s3", event: "GO", machine: "later" }]);
  await expect.poll(async () => (await find("s1"))?.metadata).toEqual({ lost: true });
  await expect.poll(() => deeds.length).toBe(2);
  const first = await store.claim({ attemptId: "a1", owner: "w1", leaseMs: 3_600_000, exclusiveKeys: [], now });
  await goBackTo(copy);

  const second = createProcess(await server.open({ schema }));
  const message = { stackId: "s1", event: "NOTE", metadata: { kept: true } };
  await second.yard.engine.handle([{ event: aQueuedEvent("e4", { stackId: "s1", message }), deliveries: 1 }]);
  deeds[0]?.();
  await expect.poll(async () => (await find("s1"))?.state, { timeout: 60_000 }).toBe("LIVE");
  expect((await find("s1"))?.metadata).toEqual({ kept: true });

  const next = await other.claim({ attemptId: "a1", owner: "w2", leaseMs: 3_600_000, exclusiveKeys: [], now });
  if (first.kind !== "granted" || next.kind !== "granted") throw new Error("An attempt was not granted.");
  expect(next.grant.token).toBe(first.grant.token);
  expect(await store.renew(first.grant, { leaseMs: 60_000, now })).toMatchObject({ kind: "lost" });

  await publishMessages(deps, [{ id: "e5", stackId: "s4", event: "GO", machine: "later" }]);
  await expect.poll(async () => (await find("s4"))?.state).toBe("WORK");
  expect(await other.revisions.get((await find("s4"))?.machineHash ?? "")).toMatchObject({ name: "later" });

  for (const end of deeds) end();
  await running.stop();
  await Promise.all([store, other, second.deps.store].map((each) => each.close()));
});
