import { describe, expect, it } from "vitest";
import { toPrinted } from "../../inspect/shown-stack.ts";
import { createMemoryStore } from "../../memory/memory-store.ts";
import type { Store } from "../../ports/store.ts";
import { recordsConformance } from "../../testing/records-conformance.ts";
import { findSecretsIn, playSecretLife } from "../../testing/secret-life.ts";
import { loadParked } from "../../testing/store-conformance/load-parked.ts";
import {
  aChange,
  aDeadLetter,
  aDispatch,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  commitNow,
  T0,
} from "../../testing/store-conformance/store-builders.ts";
import { storeConformance } from "../../testing/store-conformance.ts";
import { checkSealKey, sealStore } from "./sealed-store.ts";
import { createSealer } from "./sealer.ts";

const first = new Uint8Array(32).fill(1);
const second = new Uint8Array(32).fill(2);
const sealer = createSealer([first]);

/** The text of everything that a call has brought to the store or got from it. */
function recordCalls(store: Store): { readonly store: Store; text(): Uint8Array } {
  const seen: string[] = [];
  const note = <Part extends object>(part: Part): Part =>
    new Proxy(part, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member === "object" && member !== null) return note(member);
        if (typeof member !== "function") return member;
        return async (...args: readonly unknown[]) => {
          const result: unknown = await Reflect.apply(member, target, args);
          seen.push(JSON.stringify([name, args, result]) ?? "");
          return result;
        };
      },
    });
  return { store: note(store), text: () => Buffer.from(seen.join("\n")) };
}

describe("a sealed store", () => {
  for (const c of storeConformance) it(c.name, () => c.run(async () => sealStore(createMemoryStore(), sealer)));
});

describe("records of a sealed store", () => {
  for (const c of recordsConformance)
    it(c.name, () => c.run(async () => sealStore(createMemoryStore(), sealer).records));
});

describe("a whole life of a stack with sensitive values", () => {
  it("brings none of them to the store, and all of them to executors and callers", async () => {
    const { store, text } = recordCalls(createMemoryStore());

    const life = await playSecretLife(store, sealer);

    expect(findSecretsIn(text(), life)).toEqual([]);
    const { metadata, changed, output, progress } = life.secrets;
    expect([...life.received].sort()).toEqual([metadata, changed, output, progress].sort());
  });

  it("brings all of them to a store without a sealer, so that the search finds them", async () => {
    const { store, text } = recordCalls(createMemoryStore());

    const life = await playSecretLife(store, undefined);

    expect(findSecretsIn(text(), life)).toEqual(Object.keys(life.secrets));
  });
});

const secret = { metadata: { password: "hunter22", size: 3 }, secretVersions: { password: 1 } };

async function aStoreWith(keys: readonly Uint8Array[]) {
  const inner = createMemoryStore();
  const sealed = sealStore(inner, createSealer(keys));
  await commitNow(sealed, aPut(secret));
  return { inner, sealed };
}

it("seals the secret of the key that signs heads of the audit log, which another yard's key does not open", async () => {
  const { records } = createMemoryStore();
  const value = { key: "public", secret: "private" };
  const sealed = sealStore({ ...createMemoryStore(), records }, createSealer([first])).records;

  await sealed.put({ key: "access/audit-key/key", value, expected: "absent", now: 1 });

  expect((await sealed.get("access/audit-key/key", 1))?.value).toEqual(value);
  expect((await records.get("access/audit-key/key", 1))?.value).toEqual({
    key: "public",
    secret: expect.not.stringContaining("private"),
  });
  const other = sealStore({ ...createMemoryStore(), records }, createSealer([second])).records;
  await expect(other.get("access/audit-key/key", 1)).rejects.toMatchObject({ code: "SEAL_KEY_MISSING" });
});

// OrcaRouter-Lite#137: values of another key are dropped in silence. Polaris#444: one of them makes the whole list fail.
describe("keys of a sealed store", () => {
  it("read what was sealed before a rotation, and seal again with the new one", async () => {
    const { inner } = await aStoreWith([first]);
    const rotated = sealStore(inner, createSealer([second, first]));

    const [before] = await rotated.load(["s1"]);
    await commitNow(rotated, aPut(before?.stack, { expectedVersion: 1 }));

    const [after] = await sealStore(inner, createSealer([second])).load(["s1"]);
    expect(before?.stack?.metadata).toEqual(secret.metadata);
    expect(after?.stack?.metadata).toEqual(secret.metadata);
  });

  it.each([
    ["no key", undefined, "has no seal key"],
    ["another key", createSealer([second]), "does not have it"],
  ])(
    "fail with the stack and the id of the key for a process with %s, which changes nothing",
    async (_, other, why) => {
      const { inner, sealed } = await aStoreWith([first]);
      const stranger = sealStore(inner, other);

      const load = stranger.load(["s1"]);

      await expect(load).rejects.toMatchObject({
        code: "SEAL_KEY_MISSING",
        message: expect.stringMatching(`the stack "s1" is sealed with the key ${sealer.keyId}.*${why}`),
        retryable: false,
      });
      const page = await stranger.queries.listStacks({}, { limit: 10 });
      expect(page).toMatchObject({ items: [], unreadable: [{ id: "s1" }] });
      expect((await sealed.load(["s1"]))[0]?.stack?.metadata).toEqual(secret.metadata);
    },
  );

  it("give an event that cannot be opened to the engine with the reason, and keep it", async () => {
    const inner = createMemoryStore();
    const message = { event: "PUSH", stackId: "s1", metadata: { password: "hunter22" } };
    await sealStore(inner, sealer).enqueue([aQueuedEvent("e1", { message })]);
    const stranger = sealStore(inner, createSealer([second]));

    const [item] = await stranger.takeDue({ kinds: ["event"], now: T0, limit: 1, leaseMs: 1 });

    const taken = item?.kind === "event" ? item.event : aQueuedEvent("none");
    await commitNow(stranger, aChange({ deadLetters: [aDeadLetter("d1", { event: taken })] }));
    const { items } = await sealStore(inner, sealer).queries.listDeadLetters({}, { limit: 1 });
    expect(items[0]?.event.message).toEqual(message);
  });

  it("are the marks of events in the history, which can be read without them", async () => {
    const inner = createMemoryStore();
    const line = aHistoryEntry("e1", { metadata: { password: "***" }, mark: "hash of hunter22" });
    const find = async (store: Store) => (await store.queries.listHistory({}, { limit: 1 })).items[0];

    await commitNow(sealStore(inner, sealer), aChange({ history: [line] }));

    expect(await find(inner)).toMatchObject({ eventId: "e1", mark: expect.stringMatching(/^\$sealed:1:/) });
    expect(await find(sealStore(inner, sealer))).toMatchObject(line);
    expect(await find(sealStore(inner, createSealer([second])))).toMatchObject({ metadata: line.metadata });
  });

  it("read values that were stored before there was a key, and seal them with the next write", async () => {
    const inner = createMemoryStore();
    await commitNow(inner, aPut(secret));
    const sealed = sealStore(inner, sealer);

    const [plain] = await sealed.load(["s1"]);
    await commitNow(sealed, aPut(plain?.stack, { expectedVersion: 1 }));

    expect(plain?.stack?.metadata).toEqual(secret.metadata);
    const [stored] = await inner.load(["s1"]);
    expect(stored?.stack?.metadata).toEqual({ password: expect.stringMatching(/^\$sealed:1:/), size: 3 });
  });

  it("are not needed by a process that only shows stacks, which gets what is stored", async () => {
    const { inner } = await aStoreWith([first]);
    const viewer = sealStore(inner, undefined, { isViewer: true });

    const [loaded] = await viewer.load(["s1"]);
    const { items } = await viewer.queries.listStacks({}, { limit: 10 });

    expect(loaded?.stack && toPrinted.stack(loaded.stack).metadata).toEqual({ password: "***", size: 3 });
    expect(items[0]?.stack).toEqual(loaded?.stack);
  });

  it("seal a value that looks like a sealed one as any other", async () => {
    const { inner, sealed } = await aStoreWith([first]);
    const [stored] = await inner.load(["s1"]);
    const password = stored?.stack?.metadata["password"] ?? null;
    const other = { ...secret, id: "s2", metadata: { password } };

    await commitNow(sealed, aPut(other));

    expect((await sealed.load(["s2"]))[0]?.stack?.metadata).toEqual({ password });
  });

  it("do not open a value that was moved to another stack in the store", async () => {
    const { inner, sealed } = await aStoreWith([first]);
    const [stored] = await inner.load(["s1"]);
    await commitNow(inner, aPut({ ...stored?.stack, id: "s2" }));

    await expect(sealed.load(["s2"])).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  it("seal the hash of a parked event's metadata, which could be guessed", async () => {
    const inner = createMemoryStore();
    const sealed = sealStore(inner, sealer);
    const message = { event: "PUSH", stackId: "s1", metadata: { pin: 1 } };
    const parked = aParkedEvent("e1", { event: aQueuedEvent("e1", { message }), mark: "3f2a" });

    await commitNow(sealed, aChange({ park: [parked] }));

    expect((await inner.load(["s1"]))[0]?.parked[0]?.mark).toMatch(/^\$sealed:1:/);
    expect(await loadParked(sealed)).toEqual([parked]);
  });

  it("keep the name of the task in the head of a parked result, and seal the rest of it", async () => {
    const inner = createMemoryStore();
    const message = { event: "TASK_COMPLETED", stackId: "s1", task: { name: "app", outputs: { pin: 7 } } };
    const parked = aParkedEvent("e1", { event: aQueuedEvent("e1", { message }) });

    await commitNow(sealStore(inner, sealer), aChange({ park: [parked] }));

    const [stored] = await loadParked(inner);
    expect(stored?.event.message["task"]).toEqual({ name: "app" });
    expect(await loadParked(sealStore(inner, sealer))).toEqual([parked]);
  });

  it("fail a claim with the attempt and the key, and leave it to a worker that has the key", async () => {
    const inner = createMemoryStore();
    const id = "s1/created/1/plan/1";
    const dispatches = [aDispatch(id, { secrets: ["password#1"] })];
    await commitNow(sealStore(inner, sealer), aPut(secret, { dispatches }));
    const claim = { attemptId: id, owner: "w1", leaseMs: 1_000, exclusiveKeys: [], now: T0 };

    await expect(sealStore(inner, undefined).claim(claim)).rejects.toMatchObject({ code: "SEAL_KEY_MISSING" });

    const later = await sealStore(inner, sealer).claim({ ...claim, owner: "w2", now: T0 + 2_000 });
    expect(later).toMatchObject({ kind: "granted", secrets: { "password#1": "hunter22" } });
  });
});

// OrcaRouter-Lite#137: a server starts with a new key, and fails hours later. DBackup#108: restored without its key.
describe("a process of a sealed yard", () => {
  it("starts with the yard's key, with a newer one before it, and without a key where nothing is sealed", async () => {
    const { records } = createMemoryStore();

    await checkSealKey(records, undefined, T0);
    await checkSealKey(records, createSealer([first]), T0);
    await checkSealKey(records, createSealer([second, first]), T0);
    await checkSealKey(records, createSealer([second]), T0);
  });

  it.each([
    ["without a key", undefined],
    ["with another key", createSealer([second])],
  ])("does not start %s", async (_, other) => {
    const { records } = createMemoryStore();
    await checkSealKey(records, sealer, T0);

    await expect(checkSealKey(records, other, T0)).rejects.toMatchObject({
      code: "SEAL_KEY_MISSING",
      message: expect.stringContaining(sealer.keyId),
    });
  });
});
