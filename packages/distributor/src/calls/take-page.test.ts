import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { takePage } from "./take-page.ts";

const version = fc.record({
  name: fc.stringMatching(/^[a-z][a-z0-9/-]{0,4}[a-z]$/),
  version: fc.stringMatching(/^[A-Z0-9][0-9.+]{0,3}$/),
});

describe("takePage", () => {
  it("gives everything once, in pages that are full but the last", () => {
    const versions = fc.uniqueArray(version, { selector: ({ name, version }) => `${name}/${version}` });
    fc.assert(
      fc.property(versions, fc.integer({ min: 1, max: 7 }), (all, limit) => {
        const seen: object[] = [];
        let cursor: string | undefined;
        do {
          const page = takePage(all, { cursor, limit });
          seen.push(...page.items);
          expect(page.items.length === limit || page.cursor === undefined).toBe(true);
          cursor = page.cursor;
        } while (cursor !== undefined);

        expect(new Set(seen)).toEqual(new Set(all));
        expect(seen).toHaveLength(all.length);
      }),
    );
  });

  it("takes no text for a cursor that it has not made", () => {
    fc.assert(
      fc.property(fc.string(), (cursor) => {
        try {
          expect(takePage([], { cursor, limit: 1 })).toEqual({ items: [] });
        } catch (error) {
          expect(error).toMatchObject({ code: "USAGE" });
        }
      }),
    );
  });
});
