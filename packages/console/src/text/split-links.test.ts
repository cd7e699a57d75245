import { findSlowStep } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { splitLinks } from "./split-links.ts";

const hrefs = (text: string) => splitLinks(text).flatMap(({ href }) => href ?? []);

describe("splitLinks", () => {
  it.each([
    ["see https://ci.example.org/run/7.", ["https://ci.example.org/run/7"]],
    [
      "(https://example.org/a), then http://127.0.0.1:7070/x?y=1#z",
      ["https://example.org/a", "http://127.0.0.1:7070/x?y=1#z"],
    ],
    ["https://example.org/a_(b)", ["https://example.org/a_(b)"]],
    ['href="https://example.org/"', ["https://example.org/"]],
  ])("finds the addresses of %j [hatchet#4430]", (text, found) => {
    expect(hrefs(text)).toEqual(found);
  });

  it.each(["javascript:alert(1)", "https://user:secret@example.org/", "https://", "ftp://example.org", "plain", ""])(
    "makes no link of %j",
    (text) => {
      expect(splitLinks(text)).toEqual([{ text }]);
    },
  );

  it.each([".", ")", ".)", "(.)"])("reads an address and a run of %j in linear time", async (mark) => {
    const toText = (chars: number) =>
      `https://x${mark.repeat(chars / mark.length)}x ${"https://x.org) ".repeat(chars / 64)}`;

    expect(await findSlowStep(toText, splitLinks)).toBeUndefined();
    expect(await findSlowStep((chars) => `https://x${mark.repeat(chars / mark.length)}`, splitLinks)).toBeUndefined();
  });

  it("keeps every character", () => {
    const text = "a https://x.org/, b (https://y.org). https://user@z.org c";

    expect(
      splitLinks(text)
        .map((part) => part.text)
        .join(""),
    ).toBe(text);
  });
});
