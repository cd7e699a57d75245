import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../memory/memory-store.ts";
import { findSecretsIn, playSecretLife } from "../../testing/secret-life.ts";
import { loadParked } from "../../testing/store-conformance/load-parked.ts";
import {
  aChange,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  commitNow,
  T0,
} from "../../testing/store-conformance/store-builders.ts";
import { resealStore } from "./reseal-store.ts";
import { sealStore } from "./sealed-store.ts";
import { createSealer } from "./sealer.ts";

const old = new Uint8Array(32).fill(1);
const newest = new Uint8Array(32).fill(2);
const secret = { metadata: { password: "hunter22" }, secretVersions: { password: 1 } };
const message = { event: "PUSH", stackId: "s1", metadata: { password: "hunter23" } };

// gitea#16832, autonnel#15, automation-server#67: a key that has leaked cannot be replaced.
describe("resealStore", () => {
  it("seals values of an old key and plain ones with the newest, so that the old key can go", async () => {
    const inner = createMemoryStore();
    const parked = aParkedEvent("e1", { event: aQueuedEvent("e1", { message }), mark: "3f2a" });
    await commitNow(sealStore(inner, createSealer([old])), aPut(secret, { park: [parked] }));
    await commitNow(inner, aPut({ ...secret, id: "s2" }));
    await commitNow(inner, aPut({ id: "s3" }));

    const report = await resealStore({ store: inner, sealer: createSealer([newest, old]), now: T0 });

    expect(report).toEqual({ resealed: 2, unreadable: [], olderDeadLetters: 0 });
    const loaded = await sealStore(inner, createSealer([newest])).load(["s1", "s2"]);
    expect(loaded.map(({ stack }) => stack?.metadata)).toEqual([secret.metadata, secret.metadata]);
    expect(loaded).toHaveLength(2);
    expect(await loadParked(sealStore(inner, createSealer([newest])))).toEqual([parked]);
    const again = await resealStore({ store: inner, sealer: createSealer([newest]), now: T0 });
    expect(again).toEqual({ resealed: 0, unreadable: [], olderDeadLetters: 0 });
  });

  it("seals an event that is parked for a stack that does not exist", async () => {
    const inner = createMemoryStore();
    await commitNow(inner, aChange({ park: [aParkedEvent("e1", { event: aQueuedEvent("e1", { message }) })] }));

    await resealStore({ store: inner, sealer: createSealer([newest]), now: T0 });

    expect((await loadParked(inner))[0]?.event.message).toEqual({
      event: "PUSH",
      stackId: "s1",
      $sealed: expect.stringMatching(/^\$sealed:1:/),
    });
  });

  // Hephaestus#1648: one value that cannot be decrypted stops the rotation of all others.
  it("does not change a stack that no key opens, names it, and continues", async () => {
    const inner = createMemoryStore();
    const lost = createSealer([new Uint8Array(32).fill(3)]);
    await commitNow(sealStore(inner, lost), aPut(secret));
    await commitNow(sealStore(inner, createSealer([old])), aPut({ ...secret, id: "s2" }));
    const before = await inner.load(["s1"]);

    const report = await resealStore({ store: inner, sealer: createSealer([newest, old]), now: T0 });

    expect(report).toEqual({
      resealed: 1,
      unreadable: [{ id: "s1", reason: expect.stringContaining(lost.keyId) }],
      olderDeadLetters: 0,
    });
    expect(await inner.load(["s1"])).toEqual(before);
  });

  it("removes what a store had in plain text before, and counts dead letters that still have it", async () => {
    const inner = createMemoryStore();
    const life = await playSecretLife(inner, undefined);

    const { olderDeadLetters } = await resealStore({ store: inner, sealer: createSealer([newest]), now: T0 });

    const stacks = await inner.load(["pr-1", "pr-2"]);
    expect(findSecretsIn(Buffer.from(JSON.stringify(stacks)), life)).toEqual([]);
    expect(olderDeadLetters).toBe(1);
  });
});
