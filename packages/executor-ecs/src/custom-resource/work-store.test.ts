import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createTextCipher } from "./text-cipher.ts";
import { type ClaimedWork, createWorkStore, type WorkStore } from "./work-store.ts";

const REQUEST = {
  RequestType: "Create",
  RequestId: "r-1",
  StackId: "s",
  LogicalResourceId: "l",
  ResponseURL: "https://x?Signature=y",
  ResourceProperties: { Cluster: "web" },
};

function createTestStore() {
  const clock = createFakeClock();
  const records = createMemoryRecords();
  return { clock, records, store: createWorkStore({ clock, records, cipher: createTextCipher("secret") }) };
}

async function claim(store: WorkStore, owner: string): Promise<ClaimedWork> {
  const result = await store.claim("r-1", owner, 10_000);
  if (result.kind !== "claimed") throw new Error(result.kind);
  return result.claimed;
}

describe("the store of work", () => {
  it("takes a request once, and keeps it as it is", async () => {
    const { store, clock } = createTestStore();

    expect(await store.add(REQUEST)).toBe(true);
    expect(await store.add({ ...REQUEST, RequestType: "Delete" })).toBe(false);
    expect((await claim(store, "a")).work).toEqual({
      request: REQUEST,
      receivedAt: clock.now(),
      phase: "decide",
      handedOver: false,
      attempt: 1,
      taskArns: [],
    });
  });

  it("gives work to one at a time, until it is released or its time is over", async () => {
    const { store, clock } = createTestStore();
    await store.add(REQUEST);
    const first = await claim(store, "a");

    expect(await store.claim("r-1", "b", 10_000)).toMatchObject({ kind: "held", until: clock.now() + 10_000 });
    await first.release();
    await claim(store, "b");
    await clock.advance(10_000);
    await claim(store, "c");
  });

  it("gives work to its owner again", async () => {
    const { store } = createTestStore();
    await store.add(REQUEST);
    await claim(store, "a");

    expect((await claim(store, "a")).work.request).toEqual(REQUEST);
  });

  it("refuses notes of an owner whose time was over", async () => {
    const { store, clock } = createTestStore();
    await store.add(REQUEST);
    const late = await claim(store, "a");
    await late.save({ attempt: 2 });
    await clock.advance(10_000);
    const next = await claim(store, "b");

    await expect(late.save({ attempt: 3 })).rejects.toMatchObject({ code: "RECORD_CONFLICT" });
    await expect(late.release()).rejects.toMatchObject({ code: "RECORD_CONFLICT" });
    expect((await next.save({ phase: "start" })).attempt).toBe(2);
  });

  it("lets notes be taken back", async () => {
    const { store } = createTestStore();
    await store.add(REQUEST);
    const claimed = await claim(store, "a");
    await claimed.save({ intendedAt: 7 });
    await claimed.save({ intendedAt: undefined });
    await claimed.release();

    expect((await claim(store, "b")).work.intendedAt).toBeUndefined();
  });

  it("forgets a request after two hours, whatever was noted meanwhile", async () => {
    const { store, clock } = createTestStore();
    await store.add(REQUEST);
    await clock.advance(3_600_000);
    await (await claim(store, "a")).save({ phase: "wait" });
    await clock.advance(3_600_000);

    expect(await store.claim("r-1", "b", 10_000)).toEqual({ kind: "none" });
  });

  it("knows nothing of other requests", async () => {
    expect(await createTestStore().store.claim("r-2", "a", 1)).toEqual({ kind: "none" });
  });
});
