import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { toAttemptPassword } from "./shared-key.ts";

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
