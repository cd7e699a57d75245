import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromKeyText, toComparedText, toKeyText, toLongText } from "./column-values.ts";

describe("toKeyText", () => {
  it("leaves ordinary texts as they are", () => {
    expect(["", "pr-12", "né ✓ \u{1f600}"].map(toKeyText)).toEqual(["", "pr-12", "né ✓ \u{1f600}"]);
  });

  it("escapes what PostgreSQL cannot hold, and its own sign", () => {
    expect(toKeyText("a\0b\ud800\ufffe")).toBe("a\ufffe0000b\ufffed800\ufffefffe");
  });

  it("gives well-formed texts without U+0000 that are read back as they were", () => {
    const unit = fc.constantFrom("a", "0", "\0", "\ud800", "\udc00", "\ufffe", "\u{1f600}");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(unit).map((units) => units.join("")),
        ),
        (text) => {
          const key = toKeyText(text);

          expect(key.isWellFormed() && !key.includes("\0")).toBe(true);
          expect(fromKeyText(key)).toBe(text);
        },
      ),
    );
  });
});

describe("toComparedText", () => {
  it.each([["a"], ["é".repeat(400)], ["x".repeat(800)], ["\u{1f600}\0"]])("returns %j unchanged", (text) => {
    expect([toComparedText(text), toLongText(text)]).toEqual([toKeyText(text), null]);
  });

  it.each([["é".repeat(401)], ["x".repeat(801)], ["\0".repeat(200)]])(
    "shortens %j, and keeps the full text separately",
    (text) => {
      expect(toComparedText(text)).toMatch(/^\ufffe#[0-9a-f]{64}$/);
      expect(fromKeyText(toLongText(text) ?? "")).toBe(text);
    },
  );

  it("returns different results for different texts, including a text that equals the result of another", () => {
    const long = "x".repeat(801);

    expect(toComparedText(toComparedText(long))).not.toBe(toComparedText(long));
    expect(toComparedText(`${long}y`)).not.toBe(toComparedText(long));
  });
});
