import type { StoredHistoryEntry } from "@stackyard/core/engine";
import { aStack } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { stackIdOf } from "./chain-machine.ts";
import { countDamage, type InspectedStore } from "./inspect-yard.ts";

const NONE = { lostEvents: 0, doubleEvents: 0, wrongWays: 0, tasksThatNeverRan: 0, stuckStacks: 0, leftOvers: 0 };
const EMPTY = { queuedEvents: 0, queuedTasks: 0, openAttempts: 0, parkedEvents: 0, deadLetters: 0 };

type Line = Partial<StoredHistoryEntry> & Pick<StoredHistoryEntry, "eventId">;

const FIRST: Line = { eventId: "start", event: "START", from: "INIT", to: "S1" };
const SECOND: Line = { eventId: "result:a", internal: true, event: "TASK_SUCCESS", from: "S1", to: "S2" };
const THIRD: Line = { eventId: "result:b", internal: true, event: "TASK_SUCCESS", from: "S2", to: "DONE" };
/** What a stack of a chain of three states leaves behind. */
const WAY = [FIRST, SECOND, THIRD];

function aHistory(lines: readonly Line[]): readonly StoredHistoryEntry[] {
  return lines.map((line, index) => ({
    position: index + 1,
    stackId: stackIdOf(0),
    at: 0,
    event: "NEXT",
    outcome: "applied",
    sent: [],
    notes: [],
    ...line,
  }));
}

/** A store of one stack. */
function aStore(input: { lines?: readonly Line[]; state?: string; stats?: Partial<typeof EMPTY> }): InspectedStore {
  const history = aHistory(input.lines ?? WAY);
  return {
    queries: {
      listHistory(_filter, { limit, cursor = "0" }) {
        const next = Number(cursor) + limit;
        const items = history.slice(Number(cursor), next);
        return Promise.resolve({ items, ...(next < history.length && { cursor: String(next) }) });
      },
      stats: () => Promise.resolve({ stacks: 1, states: [], ...EMPTY, ...input.stats }),
    },
    load: (ids) =>
      Promise.resolve(
        ids.map((stackId) => ({ stackId, version: 1, parked: [], stack: aStack({ state: input.state ?? "DONE" }) })),
      ),
  };
}

const inspect = (store: InspectedStore, { started = ["a", "b"], transitions = 3 } = {}) =>
  countDamage(store, new Set(started), { stacks: 1, transitions });

describe("countDamage", () => {
  it("finds nothing where every state was entered once, in order", async () => {
    expect(await inspect(aStore({}))).toEqual(NONE);
  });

  it.each([
    ["leaves a state out", [FIRST, THIRD], { wrongWays: 1 }],
    ["goes back", [FIRST, THIRD, SECOND], { wrongWays: 1 }],
    ["enters a state again", [...WAY, { ...THIRD, eventId: "result:c", from: "S1" }], { wrongWays: 1 }],
    ["never began", [SECOND, THIRD], { wrongWays: 1, lostEvents: 1 }],
    ["applied an event again", [...WAY, { ...THIRD, from: "DONE", to: "DONE" }], { doubleEvents: 1 }],
  ])("finds a stack that %s", async (_, lines, found) => {
    const damage = await inspect(aStore({ lines }), { started: ["a", "b", "c"] });

    expect(damage).toEqual({ ...NONE, ...found });
  });

  it("skips events that changed nothing", async () => {
    const late: Line = { eventId: "result:late", internal: true, outcome: "ignored", from: "DONE", to: "DONE" };
    const lines = [...WAY, late];

    expect(await inspect(aStore({ lines }))).toEqual(NONE);
  });

  it("finds a stack that is not at its end, and a task that never ran", async () => {
    const damage = await inspect(aStore({ state: "S2" }), { started: ["a"] });

    expect(damage).toEqual({ ...NONE, stuckStacks: 1, tasksThatNeverRan: 1 });
  });

  it.each(Object.keys(EMPTY))("counts %s as left over", async (kind) => {
    expect(await inspect(aStore({ stats: { [kind]: 2 } }))).toEqual({ ...NONE, leftOvers: 2 });
  });

  it("reads a history of any length", async () => {
    const states = Array.from({ length: 1_500 }, (_, index) => (index + 1 === 1_500 ? "DONE" : `S${index + 1}`));
    const lines = states.map((to, index) => ({
      eventId: index === 0 ? "start" : `result:${index}`,
      event: index === 0 ? "START" : "TASK_SUCCESS",
      from: states[index - 1] ?? "INIT",
      to,
    }));

    const damage = await inspect(aStore({ lines }), {
      started: lines.map((_, index) => `${index}`),
      transitions: 1_500,
    });

    expect(damage).toEqual(NONE);
  });
});
