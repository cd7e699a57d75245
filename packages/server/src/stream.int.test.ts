import { defineExecutor, running, succeeded } from "@stackyard/core";
import { Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard, type TestYardOptions } from "./testing/test-yard.ts";

let yard: TestYard;
let closers: (() => void)[] = [];
afterEach(async () => {
  for (const close of closers) close();
  closers = [];
  await yard.stop();
});

interface Received {
  readonly id: string;
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Reads a stream into a list until the test ends. */
async function open(query: string, lastEventId?: string) {
  const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const response = await yard.call(`/v1/stream?${query}`, { headers });
  const events: Received[] = [];
  const reader = response.ok ? response.body?.getReader() : undefined;
  closers.push(() => void reader?.cancel());
  void readInto(events, reader);
  return { status: response.status, events, close: () => reader?.cancel(), response };
}

async function readInto(
  events: Received[],
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
): Promise<void> {
  let rest = "";
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    const blocks = `${rest}${Buffer.from(part.value).toString()}`.split("\n\n");
    rest = blocks.pop() ?? "";
    events.push(...blocks.flatMap(parseBlock));
  }
}

function parseBlock(block: string): readonly Received[] {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
  const data = field("data");
  return data === "" ? [] : [{ id: field("id"), name: field("event"), data: JSON.parse(data) as Received["data"] }];
}

const launch = (stackId: string, machine = "review-app") => ({ event: "LAUNCH", stackId, machine, id: `e-${stackId}` });
const attemptOf = (stackId: string) => `${stackId}/e-${stackId}/1/create/1`;

/** An executor that reports lines and stays suspended until `finish`. */
function aSlowTask() {
  let isDone = false;
  const executor = defineExecutor({
    name: "script",
    config: Type.Object({}),
    progress: Type.Object({}),
    async start(ctx) {
      ctx.report("started ä€😀");
      return running({ progress: {}, pollAfterMs: 10, message: "half" });
    },
    async poll(ctx) {
      if (!isDone) return running({ progress: {}, pollAfterMs: 10, message: "half" });
      ctx.report("finished");
      return succeeded({});
    },
  });
  return {
    executor,
    finish: () => {
      isDone = true;
    },
  };
}

function start(options: TestYardOptions = {}) {
  yard = createTestYard(options);
  yard.run();
}

const only = (events: readonly Received[], name: string) => events.filter((event) => event.name === name);

describe("GET /v1/stream", () => {
  it("brings history, progress and log of an attempt with ids that resume both", { tags: "adapter" }, async () => {
    const { executor, finish } = aSlowTask();
    start({ executor });
    await yard.call("/v1/events", { body: launch("pr-1") });
    await expect
      .poll(async () => (await yard.call(`/v1/attempts/${encodeURIComponent(attemptOf("pr-1"))}`)).status)
      .toBe(200);

    const query = `kinds=history,progress,log&attemptId=${encodeURIComponent(attemptOf("pr-1"))}`;
    const first = await open(query);
    await expect.poll(() => only(first.events, "log").length).toBe(1);
    await expect
      .poll(() => only(first.events, "progress").at(-1)?.data)
      .toMatchObject({
        attemptId: attemptOf("pr-1"),
        machine: "review-app",
        progressMessage: "half",
      });
    const log = only(first.events, "log")[0];
    expect(log?.data).toEqual({
      attemptId: attemptOf("pr-1"),
      offset: 0,
      text: "started ä€😀\n",
      times: [{ at: 0, time: expect.any(Number) }],
    });
    expect(log?.id).toMatch(/^\d+\.18$/);
    finish();
    await expect.poll(() => only(first.events, "progress").at(-1)?.data["status"]).toBe("settled");
    await first.close();

    const second = await open(query, log?.id);
    await expect.poll(() => only(second.events, "log").at(-1)?.data["ended"]).toBe(true);
    expect(only(second.events, "log")[0]?.data).toEqual({
      attemptId: attemptOf("pr-1"),
      offset: 18,
      text: "finished\n",
      times: [{ at: 18, time: expect.any(Number) }],
    });
    await expect
      .poll(() => only(second.events, "history").map(({ data }) => data["event"]))
      .toContain("TASK_COMPLETED");
    expect(only(second.events, "progress")).toEqual([]);
  });

  it("begins with the attempts that are open, and reports when one ends", async () => {
    const { executor, finish } = aSlowTask();
    start({ executor });
    await yard.call("/v1/events", { body: [launch("pr-1"), launch("web-1")] });
    const all = await open("kinds=progress");
    const some = await open("kinds=progress&idPrefix=web-");
    const none = await open("kinds=progress&machine=other");

    await expect.poll(() => all.events.length).toBeGreaterThanOrEqual(3);
    finish();
    await expect
      .poll(() =>
        all.events
          .filter(({ data }) => data["status"] === "settled")
          .map(({ data }) => data["stackId"])
          .toSorted(),
      )
      .toEqual(["pr-1", "web-1"]);

    await expect
      .poll(() => new Set(only(some.events, "progress").map(({ data }) => data["stackId"])))
      .toEqual(new Set(["web-1"]));
    expect(only(none.events, "progress")).toEqual([]);
  });

  it("filters the history by machine and beginning of the id", async () => {
    start();
    const machine = await open("machine=review-app");
    const other = await open("machine=other");
    const prefix = await open("idPrefix=web-");

    await yard.call("/v1/events", { body: [launch("pr-1"), launch("web-1")] });
    await expect.poll(() => only(prefix.events, "history").length).toBeGreaterThanOrEqual(2);
    await expect.poll(() => only(machine.events, "history").length).toBeGreaterThanOrEqual(4);

    expect(new Set(only(prefix.events, "history").map(({ data }) => data["stackId"]))).toEqual(new Set(["web-1"]));
    expect(only(other.events, "history")).toEqual([]);
  });

  it("brings each step of a bulk operation", async () => {
    start();
    const stream = await open("kinds=bulk");
    await yard.call("/v1/events", { body: launch("pr-1") });
    await yard.halt();
    const { id } = await yard.json<{ id: string }>("/v1/bulk", {
      body: { operation: "retry", filter: { ids: ["pr-1"] }, body: {} },
    });

    await expect.poll(() => only(stream.events, "bulk").length).toBeGreaterThanOrEqual(1);
    yard.run();
    await expect.poll(() => only(stream.events, "bulk").at(-1)?.data).toMatchObject({ id, status: "done", total: 1 });
  });

  it("is NOT_FOUND for an id whose successors are pruned, and for an unknown attempt", async () => {
    start();
    await yard.call("/v1/events", { body: [launch("pr-1"), launch("pr-2")] });
    await expect.poll(async () => (await yard.json<{ state: string }>("/v1/stacks/pr-2")).state).toBe("IDLE");
    const { items } = await yard.json<{ items: { position: number }[] }>("/v1/history?order=oldest&limit=1");
    yard.advance(1_000);
    const keep = { eventIdMs: 1e9, eventIdCount: 10, deadLetterMs: 1e9, settledAttemptMs: 1e9 };
    await yard.store.prune({ ...keep, historyMs: 1 }, yard.clock.now());
    await yard.call("/v1/events", { body: launch("pr-3") });
    await expect
      .poll(async () => (await yard.json<{ items: unknown[] }>("/v1/history")).items.length)
      .toBeGreaterThan(1);

    expect((await open("kinds=history", String(items[0]?.position))).status).toBe(404);
    expect((await open("kinds=history", "0")).status).toBe(200);
    expect((await open("kinds=log&attemptId=none")).status).toBe(404);
  });

  it("refuses what it does not know, and more than 20 streams of one identity", async () => {
    start({ limits: { streamsPerCaller: 2, streams: 3 } });

    expect((await open("kinds=history,weather")).status).toBe(400);
    expect((await open("kinds=log")).status).toBe(400);
    expect((await open("kinds=history", "x")).status).toBe(400);
    expect((await open("kinds=history", "1.2.3")).status).toBe(400);
    const [first] = [await open(""), await open("kinds=progress")];
    const third = await open("");
    expect([third.status, await third.response.json()]).toMatchObject([429, { code: "RATE_LIMITED" }]);
    await first.close();
    await expect.poll(async () => (await open("")).status).toBe(200);
    // Both doors of streams count for the identity.
    expect((await yard.call("/v1/watch")).status).toBe(429);
  });

  it("refuses tokens that descend from one more than half of all streams", async () => {
    start({ limits: { streamsPerCaller: 2, streams: 8 } });
    const create = (secret?: string) => {
      const headers = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
      return yard.json<{ token: string }>("/v1/tokens", { body: { name: "t", role: "viewer" }, headers });
    };
    const watch = async (secret: string) => {
      const response = await yard.call("/v1/watch", { headers: { authorization: `Bearer ${secret}` } });
      return response.status;
    };
    const first = await create();
    const child = await create(first.token);
    const [grandchild, sibling, stranger] = [await create(child.token), await create(first.token), await create()];

    const family = [first, child, grandchild, sibling].flatMap((each) => [each.token, each.token]);
    const statuses: number[] = [];
    for (const secret of family) statuses.push(await watch(secret));

    expect(statuses).toEqual([200, 200, 200, 200, 429, 429, 429, 429]);
    expect(await watch(stranger.token)).toBe(200);
  });
});
