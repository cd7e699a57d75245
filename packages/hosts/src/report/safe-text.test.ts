import { describe, expect, it } from "vitest";
import { findLink, findOwnLink, toLastLines, toLine } from "./safe-text.ts";

describe("a foreign text", () => {
  it("becomes one line without characters that cannot be seen", () => {
    expect(toLine("a\u202eb\u0000\r\n c\u200f", 20)).toBe("ab c");
    expect(toLine("ab😀cd", 4)).toBe("ab…");
  });

  it("keeps its last lines", () => {
    expect(toLastLines("1\n2\r\n3\u2066\n", { lines: 2, characters: 100 })).toBe("2\n3");
    expect(toLastLines("12345", { lines: 2, characters: 3 })).toBe("345");
  });

  it.each([
    ["https://pr-7.example.org/a?b=c", "https://pr-7.example.org/a?b=c"],
    ["http://pr-7.example.org", undefined],
    ["javascript:alert(1)", undefined],
    ["https://user:secret@example.org", undefined],
    [`https://example.org/${"a".repeat(2_000)}`, undefined],
    ["/relative", undefined],
    [7, undefined],
  ])("is linked only when it is an address with https: %j", (text, expected) => {
    expect(findLink(text)).toBe(expected);
  });

  it.each([
    ["https://yard.example.org/stacks/a%2Fb", true],
    ["http://127.0.0.1:7070/stacks/a", true],
    ["http://localhost/stacks/a", true],
    ["http://localhost.example.org/stacks/a", false],
    ["http://127.0.0.1:7070@example.org/", false],
    ["http://yard.example.org/", false],
    ["javascript:alert(1)//https://", false],
  ])("is an address of the yard only with https, or on this computer: %j", (url, expected) => {
    expect(findOwnLink(url)).toBe(expected ? url : undefined);
  });
});
