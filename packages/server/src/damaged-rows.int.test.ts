import { StackyardError } from "@stackyard/core";
import { afterEach, describe, expect, it } from "vitest";
import { maskReason } from "./routes/mask-reason.ts";
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

describe("a list of records with a damaged one", () => {
  const damaged = (id: string) => ({ id, reason: expect.any(String) });

  it.each([
    ["/v1/previews", "previews/links/gone", "previews/links/gone"],
    ["/v1/previews?faulty=true", "previews/faults/gone", "previews/faults/gone"],
    ["/v1/sessions", `access/sessions/${"a".repeat(64)}`, "a".repeat(32)],
    ["/v1/tokens", "access/tokens/t1", "access/tokens/t1"],
    ["/v1/hooks", "hooks/log/1-a", "hooks/log/1-a"],
    ["/v1/orphans", "orphans/found/a", "orphans/found/a"],
    ["/v1/processes", "processes/p1", "processes/p1"],
  ])("%s reports it", async (path, key, id) => {
    yard = createTestYard();
    await yard.store.records.put({ key, value: { damaged: true }, expected: "absent", now: 0 });

    const listed = await yard.json<Listed>(path);

    expect(listed.unreadable).toEqual([damaged(id)]);
  });

  it.each(["failed", "degraded"])("causes: %s counts the others and reports it", async (kind) => {
    await startWith("a", "b");
    hideStack("a");

    const listed = await yard.json<Listed>(`/v1/causes?kind=${kind}`);

    expect(listed.unreadable).toEqual([damaged("a")]);
  });

  it("a bulk by a filter names it instead of leaving it out", async () => {
    await startWith("a", "b");
    hideStack("a");
    const bulk = { operation: "retry", filter: { machine: "review-app" }, dryRun: true };

    const answer = await yard.call("/v1/bulk", { body: bulk });

    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ code: "STORE_CORRUPT", details: { id: "a" } });
  });

  it("a dry run does not take a stack that cannot be read for one that does not exist", async () => {
    await startWith("a", "b");
    failLoad("a");
    const bulk = { operation: "retry", filter: { ids: ["a"] }, dryRun: true };

    const plan = await yard.json<{ outcomes: unknown }>("/v1/bulk", { body: bulk });

    expect(plan.outcomes).toMatchObject([{ outcome: "refused", code: "STORE_CORRUPT", examples: ["a"] }]);
  });

  it("a bundle names the list that is not whole", async () => {
    await startWith("a");
    await yard.store.records.put({ key: "processes/p1", value: {}, expected: "absent", now: 0 });

    expect((await yard.json<{ cut: unknown }>("/v1/stacks/a/bundle")).cut).toEqual(["processes"]);
  });
});

describe("a reason about what cannot be read", () => {
  it("is not kept, because it may quote what is sensitive there", async () => {
    await startWith("a", "b");
    failLoad("a");

    const reason = await maskReason(yard.store, "hunter2 was wrong", { stackIds: ["b", "a"] });

    expect(reason).toMatch(/^\*\*\* .*"a" cannot be read/);
  });

  it("is not kept either for a damaged dead letter", async () => {
    yard = createTestYard();
    const listDeadLetters = async () => ({ items: [], unreadable: [{ id: "d1", reason: "It is not JSON." }] });
    Object.assign(yard.store.queries, { listDeadLetters });

    expect(await maskReason(yard.store, "hunter2", { deadLetters: ["d1"] })).toContain('"d1" cannot be read');
    expect(await maskReason(yard.store, "hunter2", { deadLetters: ["d2"] })).toBe("hunter2");
  });
});

function hideStack(id: string): void {
  const { listStacks } = yard.store.queries;
  const list: typeof listStacks = async (...input) => {
    const page = await listStacks(...input);
    const items = page.items.filter(({ stack }) => stack.id !== id);
    return { ...page, items, unreadable: [{ id, reason: "It is not JSON." }] };
  };
  Object.assign(yard.store.queries, { listStacks: list });
}

function failLoad(id: string): void {
  const { load } = yard.store;
  const loadDamaged: typeof load = async (ids) => {
    if (ids.includes(id)) throw new StackyardError("STORE_CORRUPT", "It cannot be read.");
    return load(ids);
  };
  Object.assign(yard.store, { load: loadDamaged });
}

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
