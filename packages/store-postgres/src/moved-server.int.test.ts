import { setTimeout as sleep } from "node:timers/promises";
import { aPut, aQueuedEvent } from "@stackyard/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { PostgresStore } from "./create-postgres-store.ts";
import { type Gate, startGate } from "./testing/gate.ts";
import { type OwnServer, startOwnServer } from "./testing/test-server.ts";

const SCHEMA = "moved";

let servers: readonly [OwnServer, OwnServer];
let gate: Gate;
beforeAll(async () => {
  servers = await Promise.all([startOwnServer(), startOwnServer()]);
  gate = await startGate(servers[0]);
});
afterAll(async () => {
  await gate.close();
  await Promise.all(servers.map((server) => server.stop()));
});

/** Returns whether signals of a commit reach the listener of another store. */
async function hears(writer: PostgresStore, reader: PostgresStore): Promise<boolean> {
  let heard = false;
  const stop = reader.watch(() => {
    heard = true;
  });
  await writer.enqueue([aQueuedEvent(crypto.randomUUID())]);
  for (let tries = 0; tries < 40 && !heard; tries += 1) await sleep(50);
  stop();
  return heard;
}

it("is followed though the old one answers and closes nothing, with LISTEN and all writes [pg-boss#850, switch#415, pgbus#192]", async () => {
  const [old, next] = servers;
  const store = await old.open({ connection: gate.url, schema: SCHEMA });
  const stop = store.watch(() => undefined);
  const [onOld, onNext] = [await old.open({ schema: SCHEMA }), await next.open({ schema: SCHEMA })];
  await expect.poll(() => hears(onOld, store)).toBe(true);

  gate.leadTo(next.port);

  await expect.poll(() => hears(onNext, store), { timeout: 80_000 }).toBe(true);
  // Once more: a new connection makes its listeners look by itself.
  expect(await hears(onNext, store)).toBe(true);
  await store.commit([aPut({ id: "written" })]);
  expect((await onNext.load(["written"]))[0]?.version).toBe(1);
  expect((await onOld.load(["written"]))[0]?.version).not.toBe(1);

  stop();
  await Promise.all([store, onOld, onNext].map((each) => each.close()));
});
