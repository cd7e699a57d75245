import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../memory/memory-store.ts";
import type { Records } from "../../ports/records.ts";
import { loadSharedKey, toAttemptPassword } from "./shared-key.ts";

const NAME = "transport/result-key";

/** Records whose first reads wait until there are `readers` of them, so that all of them find nothing. */
function readTogether(records: Records, readers: number): Pick<Records, "get" | "put"> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  return {
    put: records.put,
    async get(key, now) {
      const found = await records.get(key, now);
      asked += 1;
      if (asked >= readers) resolve();
      await promise;
      return found;
    },
  };
}

describe("loadSharedKey", () => {
  it("makes a key of 32 random bytes, and gives it to everybody after", async () => {
    const { records } = createMemoryStore();

    const key = await loadSharedKey(records, NAME, 0);

    expect(Buffer.from(key, "base64url")).toHaveLength(32);
    expect(await loadSharedKey(records, NAME, 1)).toBe(key);
    expect(await loadSharedKey(createMemoryStore().records, NAME, 0)).not.toBe(key);
    expect(await loadSharedKey(records, "other/key", 0)).not.toBe(key);
  });

  it("gives two that make one at the same time the one that was first", async () => {
    const { records } = createMemoryStore();
    const together = readTogether(records, 2);

    const [first, second] = await Promise.all([loadSharedKey(together, NAME, 0), loadSharedKey(together, NAME, 0)]);

    expect(first).toBe(second);
    expect(await records.get(NAME, 0)).toMatchObject({ value: { key: first } });
  });

  it("refuses a record that holds none", async () => {
    const { records } = createMemoryStore();
    await records.put({ key: NAME, value: { key: "short" }, expected: "absent", now: 0 });

    await expect(loadSharedKey(records, NAME, 0)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });
});

const holder = { attemptId: "pr-1/e1/1/network/1", token: 1 };

describe("toAttemptPassword", () => {
  it("is the same for every process of a yard, also of those that ask at the same time", async () => {
    const { records } = createMemoryStore();

    const passwords = await Promise.all([1, 2, 3].map((now) => toAttemptPassword(records, holder, now)));

    expect(new Set([...passwords, await toAttemptPassword(records, holder, 4)]).size).toBe(1);
    expect(passwords[0]).toMatch(/^1\.[A-Za-z0-9_-]{43}$/);
  });

  it("is another one for each attempt, grant and yard", async () => {
    const { records } = createMemoryStore();
    const all = await Promise.all([
      toAttemptPassword(records, holder, 0),
      toAttemptPassword(records, { ...holder, token: 2 }, 0),
      toAttemptPassword(records, { ...holder, attemptId: "pr-1/e1/1/network/2" }, 0),
      toAttemptPassword(createMemoryStore().records, holder, 0),
    ]);

    expect(new Set(all.map((password) => password.split(".")[1])).size).toBe(4);
  });

  it("refuses a record that holds no key", async () => {
    const { records } = createMemoryStore();
    await records.put({ key: "attempt-passwords/key", value: { key: "" }, expected: "absent", now: 0 });

    await expect(toAttemptPassword(records, holder, 0)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });
});
