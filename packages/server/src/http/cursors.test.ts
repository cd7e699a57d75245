import { createMemoryStore } from "@stackyard/core/engine";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CursorUse, createCursors } from "./cursors.ts";

const { records } = createMemoryStore();
const clock = { now: () => 1 };
const cursors = createCursors({ records, clock });
const USE: CursorUse = {
  operationId: "listStacks",
  filter: { machine: "web", sort: "newest" },
  caller: { kind: "person", id: "ada" },
};

const anyPlace = fc.string({ unit: "binary", maxLength: 2_048 }).filter((text) => text.isWellFormed());

describe("a cursor", () => {
  it("opens to its place, also at another server of the yard and in another order of the filter", async () => {
    const other = createCursors({ records, clock });
    const filter = { sort: "newest", machine: "web" };

    await fc.assert(
      fc.asyncProperty(anyPlace, async (place) => {
        expect(await other.open({ ...USE, filter }, await cursors.seal(USE, place))).toBe(place);
      }),
    );
  });

  it("is the same for the same place, and has the same length for every short one", async () => {
    const [first, again, longer] = await Promise.all(
      ["a", "a", "a".repeat(500)].map((place) => cursors.seal(USE, place)),
    );

    expect(first).toBe(again);
    expect(first).not.toBe(longer);
    expect(first?.length).toBe(longer?.length);
  });

  it.each<[string, Partial<CursorUse>]>([
    ["another list", { operationId: "listApprovals" }],
    ["another filter", { filter: { ...USE.filter, machine: "db" } }],
    ["no filter", { filter: {} }],
    ["another person", { caller: { kind: "person", id: "eve" } }],
    ["a token of the same name", { caller: { kind: "token", id: "ada" } }],
  ])("is refused for %s", async (_, use) => {
    const sealed = await cursors.seal(USE, "stack-1");

    await expect(cursors.open({ ...USE, ...use }, sealed)).rejects.toMatchObject({ code: "USAGE", status: 400 });
  });

  it("is refused after any change, and so is any other text", async () => {
    const sealed = Buffer.from(await cursors.seal(USE, "stack-1"), "base64url");

    await fc.assert(
      fc.asyncProperty(
        fc.nat(sealed.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.string(),
        async (at, bits, text) => {
          const changed = Buffer.from(sealed);
          changed[at] = (changed[at] ?? 0) ^ bits;
          for (const cursor of [changed.toString("base64url"), text, sealed.subarray(0, at).toString("base64url")]) {
            await expect(cursors.open(USE, cursor)).rejects.toMatchObject({ code: "USAGE" });
          }
        },
      ),
    );
  });

  it("is refused with the key of another yard, whose servers agree on theirs when they begin at once", async () => {
    const yard = createMemoryStore();
    const servers = [createCursors({ ...yard, clock }), createCursors({ ...yard, clock })];
    const [first, second] = await Promise.all(servers.map((each) => each.seal(USE, "stack-1")));

    expect(first).toBe(second);
    await expect(cursors.open(USE, first ?? "")).rejects.toMatchObject({ code: "USAGE" });
  });
});
