import { describe, expect, it } from "vitest";
import { parseParkedId, toParkedId } from "../aggregate/withdraw-parked.ts";
import type { Store } from "../ports/store.ts";
import { createTrial } from "../testing/trial.ts";
import { withdrawParked } from "./withdraw-parked.ts";

const MINUTE_MS = 60_000;
const input = { by: "ada", reason: "of the old pipeline", now: 5 };
const opened = { id: "e1", stackId: "pr-1", event: "OPENED", machine: "app" };
const early = { id: "e2", stackId: "pr-2", event: "OPENED", machine: "appp" };

const idOf = (stackId: string, id: string) => toParkedId({ stackId, id, origin: "external" });

describe("withdrawParked", () => {
  it("ends a parked event, which is never applied, and says who withdrew it and why", async () => {
    const { yard, locator, listParked, listDeadLetters } = createTrial();
    await yard.publish(early);
    await yard.settle();

    const withdrawn = await withdrawParked(yard.store, [idOf("pr-2", "e2"), idOf("pr-2", "e9"), "odd"], input);

    expect(withdrawn).toEqual([idOf("pr-2", "e2")]);
    expect([await listParked("pr-2"), await listDeadLetters()]).toEqual([[], []]);
    const lines = await yard.listHistory("pr-2");
    expect(lines.at(-1)).toMatchObject({
      eventId: "e2",
      event: "OPENED",
      outcome: "refused",
      code: "EVENT_WITHDRAWN",
      reason: "of the old pipeline",
      notes: ["Withdrawn by ada."],
    });
    const found = await locator.find("app");
    locator.write("appp", found.kind === "found" ? found.revision.source : undefined);
    await yard.advance(60 * MINUTE_MS);
    expect(await yard.findStack("pr-2")).toBeUndefined();
    expect(await yard.findViolations()).toEqual([]);
  });

  it("reports that an event that an engine applied meanwhile is not parked any more", async () => {
    const { yard } = createTrial();
    await yard.publish(opened, { id: "e2", stackId: "pr-1", event: "PUSHED" });
    await yard.settle();
    const store = beforeCommit(yard.store, () => yard.advance(2 * MINUTE_MS));
    const isParked = ((await yard.store.load(["pr-1"]))[0]?.parked ?? []).length > 0;

    const withdrawn = await withdrawParked(store, [idOf("pr-1", "e2")], input);

    const applied = (await yard.listHistory("pr-1")).filter(({ eventId, outcome }) => {
      return eventId === "e2" && outcome === "applied";
    });
    expect(applied.length + withdrawn.length).toBe(1);
    expect(isParked || applied.length === 1).toBe(true);
  });

  it("keeps an engine from applying an event that it has decided but not written yet", async () => {
    let isDone = false;
    const { yard, locator } = createTrial({
      wrapStore: (store) => ({
        ...store,
        async commit(changes) {
          const isCreation = changes.some(({ stackId, write }) => stackId === "pr-2" && write.kind === "put");
          if (isCreation && !isDone) {
            isDone = true;
            expect(await withdrawParked(store, [idOf("pr-2", "e2")], input)).toHaveLength(1);
          }
          return store.commit(changes);
        },
      }),
    });
    await yard.publish(early);
    await yard.settle();
    const found = await locator.find("app");
    locator.write("appp", found.kind === "found" ? found.revision.source : undefined);

    await yard.advance(5 * MINUTE_MS);

    expect(isDone).toBe(true);
    expect(await yard.findStack("pr-2")).toBeUndefined();
    expect(await yard.findViolations()).toEqual([]);
  });

  it("makes a repeated event of that id a duplicate", async () => {
    const { yard, listParked } = createTrial();
    await yard.publish(early);
    await yard.settle();
    await withdrawParked(yard.store, [idOf("pr-2", "e2")], input);

    await yard.publish(early);
    await yard.settle();

    expect(await listParked("pr-2")).toEqual([]);
  });
});

describe("the id of a parked event", () => {
  it.each([
    ["pr-1", "e1"],
    ["a/b", "c d/e"],
    ["", "%2f"],
    ["ü", "internal:x"],
  ])("of the stack %j and the event %j is read back", (stackId, id) => {
    const event = { stackId, id, origin: "external" } as const;

    expect(parseParkedId(toParkedId(event))).toMatchObject({ stackId });
  });

  it.each(["", "x", "a/b/c", "a/", "%/x"])("is not %j", (text) => {
    expect(parseParkedId(text)).toBeUndefined();
  });
});

function beforeCommit(store: Store, run: () => Promise<void>): Store {
  let isRun = false;
  return {
    ...store,
    async commit(changes) {
      if (!isRun) {
        isRun = true;
        await run();
      }
      return store.commit(changes);
    },
  };
}
