import { describe, expect, it } from "vitest";
import type { Path, Plain } from "./operation.ts";
import { planSteps } from "./plan-steps.ts";
import { readSource } from "./source.ts";
import { applyToText } from "./testing/apply-to-text.ts";

function replace(text: string, path: Path, value: Plain): string {
  return applyToText(text, planSteps(readSource(text), [{ kind: "set", path, value }]));
}

describe("a block of lines", () => {
  it.each<readonly [string, string, string, Plain]>([
    ["keeps the comment behind its sign", "a: > # why\n  x\nb: 1\n", "a: y # why\nb: 1\n", "y"],
    ["keeps the empty lines behind it", "a: |\n  x\n\n\nb: 1\n", "a: y\n\n\nb: 1\n", "y"],
    ["keeps the end of the text", "a: |\r\n  x", "a: y", "y"],
    [
      "keeps the sign's comment under a map",
      "a: |2- # why\n    x\n\nb: 1\n",
      "a: # why\n  on:\n    b: {}\n\nb: 1\n",
      { on: { b: {} } },
    ],
    [
      "gets another text in its column",
      "a: |- # why\n    x\n\nb: 1\n",
      "a: | # why\n    y\n\n    z\n\nb: 1\n",
      "y\n\nz\n",
    ],
    ["stays folded", "a: >\r\n  x\r\nb: 1\r\n", "a: >\r\n  y\r\n\r\n  z\r\nb: 1\r\n", "y\nz\n"],
    ["gets another text at the end of the document", "a: |\n  x", "a: |-\n  y\n  z", "y\nz"],
    ["without lines becomes quoted text", "a: |\nb: 1\n", 'a: "y\\nz"\nb: 1\n', "y\nz"],
    ["cannot have more line ends behind it", "a: |\n  x\n\nb: 1\n", 'a: "y\\n\\n"\n\nb: 1\n', "y\n\n"],
    ["cannot begin with spaces", "a: |\n  x\nb: 1\n", 'a: " y\\nz"\nb: 1\n', " y\nz"],
  ])("%s", (_what, before, after, value) => {
    expect(replace(before, ["a"], value)).toBe(after);
  });

  it("keeps the dash of its item", () => {
    expect(replace("l:\n  - | # one\n    x\n  - 2\n", ["l", 0], 3)).toBe("l:\n  - 3 # one\n  - 2\n");
  });
});
