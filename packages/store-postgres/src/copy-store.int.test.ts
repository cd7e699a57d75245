import { copyStore, createMemoryStore } from "@stackyard/core/engine";
import {
  aChange,
  aDeadLetter,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  type LifeMove,
  playMovedLife,
} from "@stackyard/core/testing";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const now = Date.UTC(2026, 0, 1);

it("receives a yard of another store, with texts of all kinds, and the copies are equal", async () => {
  const from = createMemoryStore();
  const odd = 'a\u0000"\\\u{1f600} é';
  await from.commit([
    aPut(
      { id: "a", metadata: { note: odd, count: 2, on: true } },
      { history: [aHistoryEntry("e1", { stackId: "a", reason: odd })] },
    ),
    aChange({ stackId: "b", park: [aParkedEvent("p1", { event: aQueuedEvent("p1", { stackId: "b" }) })] }),
    aChange({ stackId: "c", deadLetters: [aDeadLetter("x1"), aDeadLetter("x2")] }),
  ]);
  for (let number = 0; number < 450; number += 1) {
    const history = [aHistoryEntry(`h${number}`, { stackId: "a", at: now + number })];
    await from.commit([aChange({ stackId: "a", expectedVersion: 1, history })]);
  }
  const value = { serial: 3, text: odd, large: "x".repeat(100_000) };
  await from.records.put({ key: "terraform/states/a", value, expected: "absent", now });
  const to = await server.open({ schema: server.newSchema() });

  const first = await copyStore({ from, to, machines: [], now });
  const again = await copyStore({ from, to, machines: [], now });

  expect(first.kinds.map(({ kind, count }) => [kind, count])).toEqual([
    ["stacks", 1],
    ["parked", 1],
    ["deadLetters", 2],
    ["history", 451],
    ["revisions", 0],
    ["records", 1],
    ["memory", 3],
  ]);
  expect(again).toEqual({ ...first, kind: "again" });
  await to.close();
});

const moves = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { maxLength: 12 });

it("answers to old ids as before when a yard was moved to it", async () => {
  const play = async (before: readonly LifeMove[], after: readonly LifeMove[]) => {
    const to = await server.open({ schema: server.newSchema() });
    await playMovedLife({ before, after }, { from: createMemoryStore(), to }).finally(() => to.close());
  };

  await fc.assert(fc.asyncProperty(moves, moves, play), { numRuns: process.env["LONG_TESTS"] ? 40 : 4 });
});

it("cannot be moved once the id of an event is longer than an index takes, and says so", async () => {
  const from = await server.open({ schema: server.newSchema() });
  await from.commit([aPut({ id: "a" }, { appliedIds: ["x".repeat(900)] })]);

  const copy = copyStore({ from, to: createMemoryStore(), machines: [], now });

  await expect(copy).rejects.toThrow("longer than 800 bytes");
  await from.close();
});
