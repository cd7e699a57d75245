import { describe, expect, it } from "vitest";
import { parseSteps } from "./read-steps.ts";

describe("parseSteps", () => {
  it.each([
    ["an array", '[{"a":1},{"a":2}]', [{ a: 1 }, { a: 2 }]],
    ["an array over lines", '[\n{"a":1},\n{"a":2}\n]', [{ a: 1 }, { a: 2 }]],
    ["lines", '{"a":1}\n\n{"a":2}\r\n', [{ a: 1 }, { a: 2 }]],
    ["one object over lines", '{\n"a":1\n}', [{ a: 1 }]],
    ["a byte order mark", '\uFEFF{"a":1}\n{"a":2}', [{ a: 1 }, { a: 2 }]],
    ["nothing", "\n", []],
    ["values that are no objects", "5\nnull", [5, null]],
  ])("reads %s", (_what, text, steps) => {
    expect(parseSteps(text, "steps.json")).toEqual(steps);
  });

  it("names the line that is no JSON", () => {
    expect(() => parseSteps('{"a":1}\n{"a"\n', "steps.jsonl")).toThrow(/^steps\.jsonl:2: the steps are no JSON/);
  });

  it("tells what is wrong with an array", () => {
    expect(() => parseSteps('[{"a":1},]', "steps.json")).toThrow(/^steps\.json: the steps are no JSON/);
  });
});
