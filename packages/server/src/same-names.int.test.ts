import { type Sender, toBy } from "@stackyard/core/access";
import type { Bulk, DeadLetter, Freeze, HistoryEntry, ParkedEvent } from "@stackyard/core/api";
import { createUlids, publishMessages, systemClock } from "@stackyard/core/engine";
import { exceptRelease, startFreeze } from "@stackyard/core/services";
import { afterEach, expect, it } from "vitest";
import { toBulkView } from "./schemas/bulk.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const person = (id: string): Sender => ({ kind: "person", id, name: "ada@example.org", groups: [] });
/** A bulk without its sender. */
const ENDED = {
  id: "b1",
  operation: "retry",
  filter: {},
  message: {},
  status: "done",
  createdAt: 0,
  endedAt: 1,
  total: 0,
  done: 0,
  counts: {},
} as const;
const idsOf = (items: readonly { readonly actorId?: string }[]) => items.map(({ actorId }) => actorId).toSorted();

let yard: TestYard;
afterEach(() => yard.stop());

async function send(sender: Sender, message: { readonly event: string; readonly stackId: string }): Promise<void> {
  const deps = { store: yard.store, clock: systemClock, ids: createUlids() };
  await publishMessages(deps, [{ machine: "review-app", ...message }], { sender });
}

it("says which of two people with one name has sent an event, wherever it is listed (grafana#17635, graylog2-server#24072)", async () => {
  yard = createTestYard();
  yard.run();
  const load = async <Item>(path: string) => (await yard.json<{ items: readonly Item[] }>(path)).items;
  for (const id of ["p1", "p2"]) {
    await send(person(id), { stackId: `pr-${id}`, event: "LAUNCH" });
    // Of another state: it waits.
    await send(person(id), { stackId: `early-${id}`, event: "DOWN" });
    await send(person(id), { stackId: `pr-${id}`, event: "UNDECLARED" });
  }

  await expect.poll(async () => idsOf(await load<ParkedEvent>("/v1/parked"))).toEqual(["p1", "p2"]);
  await expect.poll(async () => idsOf(await load<DeadLetter>("/v1/dead-letters"))).toEqual(["p1", "p2"]);
  const launches = (await load<HistoryEntry>("/v1/history")).filter(({ event }) => event === "LAUNCH");
  expect(idsOf(launches)).toEqual(["p1", "p2"]);
});

it("says which of two people with one name has begun a bulk", () => {
  yard = createTestYard();
  const views = [person("p1"), person("p2"), { ...person("t"), kind: "token" as const }].map(
    (sender): Bulk => toBulkView({ ...ENDED, sender }),
  );

  expect(views.map(({ actor, actorId }) => [actor, actorId])).toEqual([
    ["ada@example.org", "p1"],
    ["ada@example.org", "p2"],
    ["ada@example.org", undefined],
  ]);
});

it("says which of two people with one name has started a freeze, let a release pass it, and ended a bulk", async () => {
  yard = createTestYard();
  const deps = { records: yard.store.records, clock: systemClock };
  await startFreeze(deps, { name: "winter", reason: "Christmas", ...toBy(person("p1")) });
  const exception = { release: "shop-1", incarnation: "i", reason: "hotfix", ...toBy(person("p2")) };
  await exceptRelease(deps, "winter", exception);
  const cancel = { at: 1, ...toBy(person("p2")) };
  const { items } = await yard.json<{ items: readonly Freeze[] }>("/v1/freezes");

  const name = "ada@example.org";
  expect(items).toMatchObject([{ startedBy: name, startedById: "p1", except: [{ by: name, byId: "p2" }] }]);
  expect(toBulkView({ ...ENDED, sender: person("p1"), cancel })).toMatchObject({
    actorId: "p1",
    cancelledBy: name,
    cancelledById: "p2",
  });
});
