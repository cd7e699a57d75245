import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCommand } from "./parse-command.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";

describe("parseCommand", () => {
  it.each([
    ["/preview up", { word: "up", args: { words: [] } }],
    ["  /preview   extend  2d please", { word: "extend", args: { words: ["2d", "please"], duration: 172_800 } }],
    ["/preview sleep\nmore text\n/preview down", { word: "sleep", args: { words: [] } }],
    ["/preview status\r\n", { word: "status", args: { words: [] } }],
    [`/preview trust ${commit}`, { word: "trust", args: { words: [commit] } }],
  ])("reads %j", (comment, command) => {
    expect(parseCommand(comment)).toEqual({ kind: "command", ...command });
  });

  it.each(["", "hello", "\n/preview up", "see /preview up", "/previews up", "> /preview up", "`/preview up`"])(
    "leaves %j alone",
    (comment) => {
      expect(parseCommand(comment)).toBeUndefined();
    },
  );

  it.each([
    ["/preview", "A word is missing. Valid: up, down, sleep, wake, extend, retry, plan, trust, approve, status."],
    ["/preview slep", 'Unknown command "slep". Did you mean sleep?'],
    ["/preview UP", 'Unknown command "UP". Did you mean up?'],
    ["/preview extend", "Write how long: /preview extend 2d."],
    ["/preview extend soon", "Write how long: /preview extend 2d."],
    ["/preview trust main", "Write the commit that you trust: /preview trust followed by its 40 hexadecimal digits."],
    [`/preview up ${"x".repeat(200)}`, "A command has at most 200 characters."],
  ])("says how to write %j", (comment, message) => {
    expect(parseCommand(comment)).toEqual({ kind: "unknown", message });
  });

  it("never throws, and is bounded by its first line", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        const found = parseCommand(`/preview ${text}`);
        if (found?.kind === "command") expect(found.args.words.join(" ").length).toBeLessThanOrEqual(200);
      }),
    );
  });
});
