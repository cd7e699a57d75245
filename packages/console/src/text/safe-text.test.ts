import { describe, expect, it } from "vitest";
import { toSafeLink, toSafeText } from "./safe-text.ts";

describe("toSafeText", () => {
  it("shows control and bidi characters by their code, and keeps line ends and tabs", () => {
    expect(toSafeText("a\u0000b\u202ec\u001b[31m\td\n")).toBe("a‹U+0000›b‹U+202E›c‹U+001B›[31m\td\n");
  });

  it("keeps text of any language", () => {
    expect(toSafeText("Grüße 東京 😀")).toBe("Grüße 東京 😀");
  });
});

describe("toSafeLink", () => {
  it.each(["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://user:secret@example.org/", "http://"])(
    "refuses %s",
    (text) => {
      expect(toSafeLink(text)).toBeUndefined();
    },
  );

  it("returns the address of a preview", () => {
    expect(toSafeLink("https://pr-12.example.org/a?b")?.host).toBe("pr-12.example.org");
  });
});
