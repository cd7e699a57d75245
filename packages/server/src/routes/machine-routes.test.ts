import { createMemoryStore } from "@stackyard/core/engine";
import { describe, expect, it } from "vitest";
import { findRevisionHash } from "./machine-routes.ts";

const OLD = `abcd${"0".repeat(60)}`;
const OTHER = `abce${"0".repeat(60)}`;
const NEWEST = `abcf${"0".repeat(60)}`;

async function find(digits: string): Promise<string> {
  const store = createMemoryStore();
  for (const hash of [OLD, OTHER]) await store.revisions.put({ name: "web", hash, source: hash }, 0);
  const found = { kind: "found", revision: { name: "web", hash: NEWEST, source: "" } } as never;
  const locator = { find: async () => found, list: async () => [] };
  return findRevisionHash({ store, locator }, { name: "web", digits });
}

describe("findRevisionHash", () => {
  it.each([
    ["abcd", OLD],
    ["abce00", OTHER],
    ["abcf", NEWEST],
    ["e".repeat(64), "e".repeat(64)],
  ])("returns the whole hash of %s: a kept one, the newest, or what is whole", async (digits, hash) => {
    expect(await find(digits)).toBe(hash);
  });

  it("names the candidates of digits that several begin with", async () => {
    await expect(find("abc")).rejects.toMatchObject({
      code: "USAGE",
      message: 'Several revisions of "web" begin with abc: abcd00000000, abce00000000, abcf00000000. Give more digits.',
    });
  });

  it("says that none begins so, and which one is the newest", async () => {
    await expect(find("ffff")).rejects.toMatchObject({
      code: "MACHINE_UNKNOWN",
      message: `No revision of "web" begins with ffff. The newest one is ${NEWEST}.`,
    });
  });
});
