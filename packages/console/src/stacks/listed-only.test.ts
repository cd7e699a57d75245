import { describe, expect, it } from "vitest";
import { keepListed } from "./listed-only.ts";

const rows = (...ids: readonly (string | undefined)[]) => ids.map((id) => (id === undefined ? undefined : { id }));
const chosen = new Set(["a", "b", "z"]);

describe("keepListed", () => {
  it("drops a row that has left the list, and keeps one that moved in it", () => {
    expect([...keepListed(chosen, rows("a", "b", "c"), rows("b", "c"))]).toEqual(["b", "z"]);
    expect(keepListed(chosen, rows("a", "b", "c"), rows("c", "b", "a"))).toBe(chosen);
    expect([...keepListed(chosen, rows("a", "b"), rows())]).toEqual(["z"]);
  });

  it("keeps a row whose page is not loaded now", () => {
    expect(keepListed(chosen, rows("a", "b", "c"), rows(undefined, undefined, undefined))).toBe(chosen);
  });
});
