import { beforeEach, describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import type { Records } from "../ports/records.ts";
import type { ApiTokenRecord } from "./api-token.ts";
import { findEnded, hasEnded, noteEndedSession, toCredential, toTokenKey } from "./credentials.ts";

const NOW = 1_000_000;
const DAY_MS = 86_400_000;
let records: Records;
beforeEach(() => {
  records = createMemoryStore().records;
});

async function putToken(id: string, fields: Partial<ApiTokenRecord> = {}): Promise<void> {
  const createdBy = { kind: "person", id: "00u1", name: "ada" };
  const value = { id, name: id, role: "operator", createdBy, createdAt: 0, secrets: [{ hash: "h" }], ...fields };
  await records.put({ key: toTokenKey(id), value, expected: "absent", now: NOW });
}

describe("hasEnded", () => {
  it.each<[string, Partial<ApiTokenRecord>, boolean]>([
    ["is active", {}, false],
    ["was revoked", { revokedAt: NOW - 1 }, true],
    ["has expired", { expiresAt: NOW }, true],
    ["ends later", { expiresAt: NOW + 1 }, false],
  ])("asks the record of a token: one that %s", async (_, fields, ended) => {
    await putToken("t1", fields);

    expect(await hasEnded(records, toCredential("token", "t1"), NOW)).toBe(ended);
  });

  it("is true for a token whose record is gone or cannot be read", async () => {
    await records.put({ key: toTokenKey("odd"), value: { id: "odd" }, expected: "absent", now: NOW });

    expect(await findEnded(records, ["token/odd", "token/none"], NOW)).toEqual(new Set(["token/odd", "token/none"]));
  });

  it("follows what has made a token, to a login that was ended", async () => {
    await putToken("child", { createdWith: toCredential("token", "parent") });
    await putToken("parent", { createdWith: toCredential("session", "s1") });
    const before = await hasEnded(records, "token/child", NOW);

    await noteEndedSession(records, "s1", NOW);

    expect([before, await hasEnded(records, "token/child", NOW)]).toEqual([false, true]);
    expect(await hasEnded(records, "session/s1", NOW + 30 * DAY_MS)).toBe(true);
  });

  it("does not follow tokens that name each other forever", async () => {
    await putToken("a", { createdWith: "token/b" });
    await putToken("b", { createdWith: "token/a" });

    expect(await hasEnded(records, "token/a", NOW)).toBe(true);
  });

  it("is false for a login that was not ended, also when its time is over", async () => {
    expect(await hasEnded(records, "session/s2", NOW)).toBe(false);
  });
});
