import { describe, expect, it } from "vitest";
import type { Sender } from "../access/sender.ts";
import { toBulkEventId } from "../bulk/bulk.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import { markOf } from "../machine/event-content.ts";
import { defined } from "../machine/json.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import { countingIds, createFakeClock } from "../testing/fake-clock.ts";
import { aChange, aHistoryEntry, commitNow, SECOND, T0 } from "../testing/store-conformance/store-builders.ts";
import { publishMessages } from "./engine.ts";

function createBench() {
  const store = createMemoryStore();
  const clock = createFakeClock();
  return {
    store,
    clock,
    publish: (messages: readonly unknown[], actor?: string) =>
      publishMessages({ store, clock, ids: countingIds() }, messages, defined({ actor })),
    publishFrom: (sender: Sender, messages: readonly unknown[]) =>
      publishMessages({ store, clock, ids: countingIds() }, messages, { sender }),
    async takeQueued() {
      const items = await store.takeDue({ kinds: ["event"], now: clock.now(), limit: 10, leaseMs: 1 });
      return items.map((item) => (item.kind === "event" ? item.event : undefined));
    },
  };
}

describe("messages at the door", () => {
  it("are queued under their own id, or one that they are given", async () => {
    const { publish, clock, takeQueued } = createBench();
    const own = { id: "mine", stackId: "a", event: "GO" };
    const other = { stackId: "b", action: "GO" };

    const results = await publish([own, other], "kim");

    expect(results).toEqual([
      { kind: "accepted", eventId: "mine", stackId: "a" },
      { kind: "accepted", eventId: "id-000002", stackId: "b" },
    ]);
    const common = { origin: "external", receivedAt: clock.now(), actor: "kim" };
    expect(await takeQueued()).toEqual([
      { id: "mine", stackId: "a", message: own, ...common },
      { id: "id-000002", stackId: "b", message: other, ...common },
    ]);
  });

  it("carry the sender that the caller has verified, whatever their bodies say", async () => {
    const { publishFrom, takeQueued } = createBench();
    const sender = { kind: "host", id: "deployer", name: "deployer", groups: ["ci"] } as const;

    await publishFrom(sender, [{ id: "e1", stackId: "a", event: "GO", actor: "root", sender: { name: "root" } }]);

    expect(await takeQueued()).toMatchObject([{ id: "e1", actor: "deployer", sender }]);
  });

  it("are rejected where they name a machine that was never known; others are queued with the wait of their sender", async () => {
    const { store, clock, takeQueued } = createBench();
    const asked: string[] = [];
    const findNeverKnown = async (machine: string) => {
      asked.push(machine);
      return machine === "shopp" ? new StackyardError("MACHINE_UNKNOWN", 'Unknown machine "shopp".') : undefined;
    };
    const ofShop = { id: "e2", stackId: "b", event: "GO", machine: "shop" };
    const messages = [{ id: "e1", stackId: "a", event: "GO", machine: "shopp" }, ofShop, { ...ofShop, id: "e3" }, {}];

    const results = await publishMessages({ store, clock, ids: countingIds() }, messages, {
      awaitsMs: 5_000,
      findNeverKnown,
    });

    expect(results).toMatchObject([
      { kind: "invalid", code: "MACHINE_UNKNOWN", reason: 'Unknown machine "shopp". Nothing was sent.' },
      { kind: "accepted", eventId: "e2" },
      { kind: "accepted", eventId: "e3" },
      { kind: "invalid", code: "EVENT_INVALID" },
    ]);
    expect(asked).toEqual(["shopp", "shop"]);
    expect((await takeQueued()).map((event) => event?.awaitedUntil)).toEqual([T0 + 5_000, T0 + 5_000]);
  });

  it("are rejected under the id of an event of a bulk operation", async () => {
    const { publish, takeQueued } = createBench();
    const id = toBulkEventId("01JD2A4S0000000000000000ZZ", { n: 10_000 });

    const results = await publish([{ id, stackId: "a", event: "GO" }]);

    const reason = `Ids such as "${id}" are reserved for bulk operations. Send the event with another id.`;
    expect(results).toEqual([{ kind: "invalid", code: "EVENT_RESERVED", reason }]);
    expect(await takeQueued()).toEqual([]);
  });

  it("are reported with what their id was used for, when the stack knows it", async () => {
    const { store, clock, publish } = createBench();
    const history = [
      aHistoryEntry("used", { stackId: "a", event: "OPENED", outcome: "parked", at: T0 }),
      aHistoryEntry("used", { stackId: "a", event: "OPENED", outcome: "applied", at: T0 + SECOND }),
      aHistoryEntry("used", {
        stackId: "a",
        event: "OPENED",
        outcome: "ignored",
        code: "DUPLICATE",
        at: T0 + 2 * SECOND,
      }),
      aHistoryEntry("used", { stackId: "b", event: "OTHER" }),
    ];
    await commitNow(store, aChange({ stackId: "a", appliedIds: ["used"], history, now: clock.now() }));
    await publish([{ id: "waits", stackId: "a", event: "GO" }]);

    const results = await publish([
      { id: "used", stackId: "a", event: "GO" },
      { stackId: "a" },
      { id: "used", stackId: "b", event: "GO" },
      { id: "waits", stackId: "a", event: "GO" },
    ]);

    expect(results).toEqual([
      {
        kind: "duplicate",
        code: "DUPLICATE",
        eventId: "used",
        stackId: "a",
        reason:
          'The id "used" was used before for OPENED of "a" (applied, 2026-01-01T00:00:01.000Z). Nothing was sent again.',
        usedFor: { event: "OPENED", outcome: "applied", at: T0 + SECOND, same: false },
      },
      expect.objectContaining({ kind: "invalid" }),
      { kind: "accepted", eventId: "used", stackId: "b" },
      {
        kind: "duplicate",
        code: "DUPLICATE",
        eventId: "waits",
        stackId: "a",
        reason: 'The id "waits" was used before for an event of "a". It is not decided yet, or its history is pruned.',
      },
    ]);
  });

  it("are another event under the same id with other metadata, also where the history hides its values", async () => {
    const { store, clock, publish } = createBench();
    const sent = { stackId: "a", event: "PUSHED", metadata: { sha: "aaaa", password: "one" } };
    const mark = markOf({ name: "PUSHED", metadata: sent.metadata });
    const line = { stackId: "a", event: "PUSHED" };
    const history = [
      aHistoryEntry("shown", { ...line, metadata: sent.metadata }),
      aHistoryEntry("hidden", { ...line, metadata: { sha: "aaaa", password: { $secret: "password#1" } }, mark }),
    ];
    await commitNow(store, aChange({ stackId: "a", appliedIds: ["shown", "hidden"], history, now: clock.now() }));

    const results = await publish(
      ["shown", "hidden"].flatMap((id) => [
        { ...sent, id },
        { ...sent, id, metadata: { sha: "aaaa", password: "two" } },
        { ...sent, id, metadata: { sha: "bbbb", password: "one" } },
      ]),
    );

    expect(results.map((result) => (result.kind === "duplicate" ? result.usedFor?.same : undefined))).toEqual([
      ...[true, false, false],
      ...[true, false, false],
    ]);
    expect(results[1]).toMatchObject({ reason: expect.stringContaining('for PUSHED of "a" with other content (') });
  });

  it("are taken out of their envelope", async () => {
    const { publish, takeQueued } = createBench();
    const inner = { id: "mine", stackId: "a", event: "GO" };

    await publish([JSON.stringify({ Type: "Notification", Message: JSON.stringify(inner) })]);

    expect((await takeQueued()).map((event) => event?.message)).toEqual([inner]);
  });

  it("are refused one by one, and the others are queued", async () => {
    const { publish, takeQueued } = createBench();

    const results = await publish([
      "no json",
      { event: "GO" },
      { stackId: "a", event: "NEXT" },
      { stackId: "a", event: "TASK_TIMED_OUT", task: { name: "t" } },
      { stackId: "a", event: "GO" },
    ]);

    expect(results.map((result) => (result.kind === "invalid" ? result.code : result.kind))).toEqual([
      "EVENT_INVALID",
      "EVENT_INVALID",
      "EVENT_RESERVED",
      "EVENT_RESERVED",
      "accepted",
    ]);
    expect(await takeQueued()).toHaveLength(1);
  });

  it("do not trouble the store when none is an event", async () => {
    const clock = createFakeClock();
    const reject = () => Promise.reject(new Error("not to be called"));
    const store = { enqueue: reject, queries: { ...createMemoryStore().queries, listHistory: reject } };

    await expect(publishMessages({ store, clock, ids: countingIds() }, [{}])).resolves.toHaveLength(1);
  });

  it.each([
    [undefined, { kind: "invalid", code: "EVENT_RESERVED" }],
    [true, { kind: "accepted", stackId: "a" }],
  ])("let NEXT in where that is allowed (%s)", async (allowExternalNext, result) => {
    const { store, clock } = createBench();
    const options = defined({ allowExternalNext });

    const results = await publishMessages(
      { store, clock, ids: countingIds() },
      [{ stackId: "a", event: "NEXT" }],
      options,
    );

    expect(results).toMatchObject([result]);
  });
});
