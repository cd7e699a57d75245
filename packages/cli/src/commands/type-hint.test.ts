import { describe, expect, it } from "vitest";
import { findTypeHint } from "./type-hint.ts";

describe("findTypeHint", () => {
  it.each([
    ["number", "Write `--metadata pr:=1` for a number: `=` makes a text."],
    ["boolean", "Write `--metadata pr:=true` for a boolean: `=` makes a text."],
  ])("says how to write a %s", (type, hint) => {
    const reason = `The metadata key "pr" must be a ${type}, not a string.`;

    expect(findTypeHint({ code: "METADATA_INVALID", reason })).toBe(hint);
  });

  it.each([
    ["METADATA_INVALID", 'The metadata key "pr" must be a string, not a number.'],
    ["EVENT_NOT_HANDLED", "no"],
  ])("has none for %s: %s", (code, reason) => {
    expect(findTypeHint({ code, reason })).toBeUndefined();
  });
});
