import { describe, expect, it } from "vitest";
import { createCauseCounter } from "./count-causes.ts";

const T0 = Date.UTC(2030, 0, 1);

describe("causes", () => {
  it("differ by task, event and code, the largest first, with the newest as the sample", () => {
    const counter = createCauseCounter();
    counter.add({ task: "db", code: "OOM", at: T0, stackId: "pr-1", toMessage: () => "first" });
    counter.add({ task: "db", at: T0 + 9, stackId: "pr-2", toMessage: () => undefined });
    counter.add({ task: "db", code: "OOM", at: T0 + 2, stackId: "pr-3", toMessage: () => "second" });
    counter.add({ event: "DEPLOY", code: "OOM", at: T0 + 3, stackId: "pr-4", toMessage: () => undefined });
    counter.add({ task: "db", code: "OOM", at: T0 + 1, stackId: "pr-5", toMessage: () => "third" });

    expect(counter.toPage({ limit: 9 })).toEqual({
      items: [
        { task: "db", code: "OOM", count: 3, newestAt: T0 + 2, sample: { stackId: "pr-3", message: "second" } },
        { task: "db", count: 1, newestAt: T0 + 9, sample: { stackId: "pr-2" } },
        { event: "DEPLOY", code: "OOM", count: 1, newestAt: T0 + 3, sample: { stackId: "pr-4" } },
      ],
    });
  });

  // temporalio/ui#2262: the newest message represented all failures with the same code.
  it("say how many different messages they have, apart from numbers, ids and times", () => {
    const counter = createCauseCounter();
    const add = (stackId: string, message: string) =>
      counter.add({ task: "db", code: "LAMBDA", at: T0, stackId, message, toMessage: () => message });
    add("pr-1", "no room at 10:20:30 for pr-1 (request 0c5ab9e1)\nat line 1");
    add("pr-two", "no room at 11:00:07 for pr-two (request 7f5ab9e2)\nat line 2");
    const one = counter.toPage({ limit: 9 }).items;
    add("pr-3", "access denied");

    expect(one.map(({ messages }) => messages)).toEqual([undefined]);
    expect(counter.toPage({ limit: 9 }).items.map(({ count, messages }) => [count, messages])).toEqual([[3, 2]]);
  });

  // memry#2143: all errors without a code of their own were one issue, under the name of the first.
  // metagraphed#9019: a name of a connection in the message made an issue of each occurrence.
  it.each([
    [3, ["net::ERR_NETWORK_CHANGED", "net::ERR_TIMED_OUT", "Container has no width"]],
    [
      undefined,
      ["1f462de30803897f4c87cfe341e93970", "5c01896f5cccb129888261dcc240daee"].map(
        (id) => `CONNECTION_CLOSED ${id}.local:5432`,
      ),
    ],
  ])("say %s different messages of %j", (expected, messages) => {
    const counter = createCauseCounter();
    for (const message of messages)
      counter.add({ task: "db", code: "Error", at: T0, stackId: "pr-1", message, toMessage: () => message });

    expect(counter.toPage({ limit: 9 }).items.map((cause) => cause.messages)).toEqual([expected]);
  });

  it("come in pages, and each once", () => {
    const counter = createCauseCounter();
    for (let n = 0; n < 7; n += 1)
      counter.add({ task: `t${n}`, at: T0 + (n % 2), stackId: "s", toMessage: () => undefined });

    const first = counter.toPage({ limit: 4 });
    const second = counter.toPage({ limit: 4, ...(first.cursor !== undefined && { cursor: first.cursor }) });

    const tasks = [...first.items, ...second.items].map(({ task }) => task);
    expect(tasks).toEqual(["t1", "t3", "t5", "t0", "t2", "t4", "t6"]);
    expect(second.cursor).toBeUndefined();
  });

  it("end a page at its bytes, and cut long messages", () => {
    const counter = createCauseCounter();
    for (let n = 0; n < 3_000; n += 1)
      counter.add({ task: `t${n}`, at: T0, stackId: "s", toMessage: () => "é".repeat(9_999) });

    const { items, cursor } = counter.toPage({ limit: 5_000 });

    expect(items[0]?.sample.message).toBe(`${"é".repeat(499)}…`);
    expect(Buffer.byteLength(JSON.stringify(items))).toBeLessThan(1_200_000);
    expect(cursor).toBeDefined();
  });

  it.each(["", "[]", "{}", '["a",1,"b"]', "7"])("refuse the cursor %j", (cursor) => {
    expect(() => createCauseCounter().toPage({ limit: 1, cursor })).toThrow("The cursor does not belong to this list");
  });
});
