import { aChange } from "@stackyard/core/testing";
import { afterEach, describe, expect, it } from "vitest";
import { claimAttempt } from "./testing/claim-attempt.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

interface Listed {
  readonly items: readonly { readonly id: string; readonly waiting?: unknown }[];
  readonly cursor?: string;
}

let yard: TestYard;
afterEach(() => yard.stop());

/** A live process of the yard, as its own heartbeat would list it. */
async function listWorker(executors: readonly string[]): Promise<void> {
  const now = yard.clock.now();
  const worker = { id: "w1", roles: ["worker"], version: "1", host: "host-1", executors, startedAt: now, seenAt: now };
  const value = { ...worker, capacity: 2, running: 2, draining: false };
  await yard.store.records.put({ key: "processes/w1", value, expected: "absent", expiresAt: now + 60_000, now });
}

async function why(stackId: string): Promise<readonly unknown[]> {
  const { summary, waitsFor } = await yard.json<{ summary: string; waitsFor: unknown }>(`/v1/stacks/${stackId}`);
  return [summary, waitsFor];
}

describe("why a stack waits", () => {
  it("is shown with the object that it waits for", async () => {
    yard = createTestYard();
    const { attemptId } = await claimAttempt(yard, "pr-1");

    expect(await why("pr-1")).toEqual([
      expect.stringMatching(/^create: Running for \d+s \(worker runner-.*\)$/),
      { kind: "lease", task: "create", attemptId, worker: expect.any(String), at: expect.stringMatching(/Z$/) },
    ]);
  });

  it("names the executor that no live worker has, once the yard knows who lives", async () => {
    yard = createTestYard();
    await claimAttempt(yard, "pr-1", -1);
    const lapsed = await why("pr-1");
    await listWorker(["ecs"]);

    expect(lapsed).toEqual([
      expect.stringContaining("has been silent since its lease expired"),
      expect.objectContaining({ kind: "lease" }),
    ]);
    expect((await yard.json<{ tasks: unknown[] }>("/v1/stacks/pr-1")).tasks).toMatchObject([
      { name: "create", waitsFor: { kind: "worker" } },
    ]);
  });

  it("is what the state handles, for a quiet stack", async () => {
    yard = createTestYard();
    const claimed = await claimAttempt(yard, "pr-1");
    yard.run();
    await claimed.settle();
    await expect.poll(() => yard.json<{ state: string }>("/v1/stacks/pr-1")).toMatchObject({ state: "IDLE" });

    expect(await why("pr-1")).toEqual([
      "Waits for an event: DEPLOY, DOWN.",
      { kind: "event", events: ["DEPLOY", "DOWN"] },
    ]);
  });
});

describe("the list of stacks that wait", () => {
  it("explains what each waits for, page by page, and omits those that wait for nothing", async () => {
    yard = createTestYard();
    for (const id of ["a", "b", "c"]) await claimAttempt(yard, id);
    const [loaded] = await yard.store.load(["c"]);
    if (loaded?.stack === undefined) throw new Error("It is not there.");
    const quiet = { ...loaded.stack, state: "IDLE", tasks: [] };
    const write = { kind: "put", stack: quiet } as const;
    await yard.store.commit([aChange({ stackId: "c", expectedVersion: loaded.version, write, now: 0 })]);

    const first = await yard.json<Listed>("/v1/stacks?waiting=true&limit=1");
    const second = await yard.json<Listed>(`/v1/stacks?waiting=true&cursor=${first.cursor}`);
    const all = await yard.json<Listed>("/v1/stacks?waiting=true&condition=any");
    const plain = await yard.json<Listed>("/v1/stacks?condition=any");

    expect([first, second].map(({ items }) => items.map(({ id }) => id))).toEqual([["a"], ["b"]]);
    expect(second.items[0]?.waiting).toMatchObject({
      summary: expect.stringMatching(/^create: Running for .* \(worker /),
      waitsFor: { kind: "lease", task: "create" },
    });
    expect(all.items.map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(all.items[2]?.waiting).toMatchObject({ waitsFor: { kind: "event" } });
    expect(plain.items.map(({ id, waiting }) => [id, waiting])).toEqual([
      ["a", undefined],
      ["b", undefined],
      ["c", undefined],
    ]);
  });

  it("finds those whose time is over", async () => {
    yard = createTestYard();

    expect(await yard.json<Listed>("/v1/stacks?condition=overdue")).toEqual({ items: [] });
    expect(await yard.json<Listed>("/v1/stacks?condition=failed&waiting=true")).toEqual({ items: [] });
    expect((await yard.call("/v1/stacks?condition=bored")).status).toBe(400);
    expect((await yard.call("/v1/stacks?waiting=perhaps")).status).toBe(400);
  });
});
