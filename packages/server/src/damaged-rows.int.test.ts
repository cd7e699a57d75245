import { StackyardError } from "@stackyard/core";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

let yard: TestYard;
afterEach(() => yard.stop());

interface Listed {
  readonly items: readonly { readonly id: string }[];
  readonly unreadable?: readonly { readonly id: string; readonly reason: string }[];
}

async function startWith(...stackIds: readonly string[]): Promise<void> {
  yard = createTestYard();
  yard.run();
  for (const stackId of stackIds) {
    await yard.call("/v1/events", { body: { event: "LAUNCH", stackId, machine: "review-app" } });
  }
  await expect.poll(async () => (await yard.json<Listed>("/v1/stacks?state=IDLE")).items.length).toBe(stackIds.length);
  await yard.halt();
}

describe("a list with a damaged row", () => {
  it("reports the row that the store cannot read, and shows the others", async () => {
    await startWith("a", "b");
    const { listStacks } = yard.store.queries;
    const list: typeof listStacks = async (...input) => {
      const page = await listStacks(...input);
      const items = page.items.filter(({ stack }) => stack.id !== "a");
      return { ...page, items, unreadable: [{ id: "a", reason: "It is not JSON." }] };
    };
    Object.assign(yard.store.queries, { listStacks: list });

    const listed = await yard.json<Listed>("/v1/stacks");

    expect(listed.items.map(({ id }) => id)).toEqual(["b"]);
    expect(listed.unreadable).toEqual([{ id: "a", reason: "It is not JSON." }]);
  });

  it("reports a row that can be read and not shown", async () => {
    await startWith("a", "b");
    const { listStacks } = yard.store.queries;
    const list: typeof listStacks = async (...input) => {
      const page = await listStacks(...input);
      const items = page.items.map((item) =>
        item.stack.id === "a" ? { ...item, stack: { ...item.stack, createdAt: Number.NaN } } : item,
      );
      return { ...page, items };
    };
    Object.assign(yard.store.queries, { listStacks: list });

    const listed = await yard.json<Listed>("/v1/stacks");

    expect(listed.items.map(({ id }) => id)).toEqual(["b"]);
    expect(listed.unreadable).toEqual([{ id: "a", reason: expect.stringContaining("Invalid time value") }]);
  });

  it("shows what others wait for when the parked events of one cannot be read", async () => {
    await startWith("a", "b");
    const { load } = yard.store;
    const loadDamaged: typeof load = async (ids) => {
      if (ids.includes("a")) throw new StackyardError("STORE_CORRUPT", "A parked event cannot be read.");
      return load(ids);
    };
    Object.assign(yard.store, { load: loadDamaged });

    const listed = await yard.json<Listed>("/v1/stacks?waiting=true&condition=any");

    expect(listed.items.map((item) => [item.id, "waiting" in item])).toEqual([
      ["a", false],
      ["b", true],
    ]);
  });
});

describe("GET /health/ready", () => {
  it("returns 503 while the store answers reads and rejects writes", async () => {
    yard = createTestYard();
    const { records } = yard.store;
    const put: typeof records.put = () =>
      Promise.reject(new StackyardError("STORE_UNAVAILABLE", "The disk is full. Free some space."));
    Object.assign(yard.store, { records: { ...records, put } });
    Object.assign(records, { put });

    const answer = await yard.call("/health/ready");

    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: "STORE_UNAVAILABLE", detail: expect.stringContaining("disk") });
    expect((await yard.call("/v1/stacks")).status).toBe(200);
  });

  it("says 503, whatever the error is", async () => {
    yard = createTestYard();
    Object.assign(yard.store.records, { put: () => Promise.reject(new Error("It is broken.")) });

    expect((await yard.call("/health/ready")).status).toBe(503);
  });
});
