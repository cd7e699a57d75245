import { describe, expect, it } from "vitest";
import { createPageBuilder, type PageInput } from "./records.ts";

const MIB = 1_048_576;

/** A page of rows with these sizes, whose items are their numbers. */
function toPage(sizes: readonly number[], input: PageInput, next?: string) {
  const page = createPageBuilder<number>(input);
  for (const [index, bytes] of sizes.entries()) {
    const row = { id: `row ${index}`, cursor: String(index), bytes, read: () => index };
    if (!page.add(row)) break;
  }
  return page.end(next);
}

describe("createPageBuilder", () => {
  it("ends a page at its limit, with a cursor only when a row follows", () => {
    expect(toPage([1, 1, 1], { limit: 2 })).toEqual({ items: [0, 1], cursor: "1" });
    expect(toPage([1, 1], { limit: 2 })).toEqual({ items: [0, 1] });
    expect(toPage([], { limit: 2 })).toEqual({ items: [] });
  });

  it("ends a page with the row that reaches a mebibyte", () => {
    expect(toPage([MIB - 1, 5, 1], { limit: 9 })).toEqual({ items: [0, 1], cursor: "1" });
    expect(toPage([MIB, 1], { limit: 9 })).toEqual({ items: [0], cursor: "0" });
    expect(toPage([MIB], { limit: 9 })).toEqual({ items: [0] });
  });

  it("takes fewer bytes when asked, never more than a mebibyte, and always one row", () => {
    expect(toPage([6, 6, 6], { limit: 9, maxBytes: 10 })).toEqual({ items: [0, 1], cursor: "1" });
    expect(toPage([6, 6], { limit: 9, maxBytes: 0 })).toEqual({ items: [0], cursor: "0" });
    expect(toPage([MIB, 1], { limit: 9, maxBytes: 9 * MIB })).toEqual({ items: [0], cursor: "0" });
  });

  it("continues where a search ended early, unless the page is full", () => {
    expect(toPage([1], { limit: 2 }, "end")).toEqual({ items: [0], cursor: "end" });
    expect(toPage([1, 1, 1], { limit: 2 }, "end")).toEqual({ items: [0, 1], cursor: "1" });
  });

  it("reports a row that cannot be read in the place of its item", () => {
    const page = createPageBuilder<string>({ limit: 2 });
    const row = (id: string, read: () => string) => ({ id, cursor: id, bytes: 1, read });
    const taken = [
      row("a", () => {
        throw new Error("It is not JSON.");
      }),
      row("b", () => "B"),
      row("c", () => "C"),
    ].map(page.add);

    expect(taken).toEqual([true, true, false]);
    expect(page.end()).toEqual({
      items: ["B"],
      cursor: "b",
      unreadable: [{ id: "a", reason: "It is not JSON." }],
    });
  });
});
