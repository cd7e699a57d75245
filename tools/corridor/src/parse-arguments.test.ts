import { describe, expect, it } from "vitest";
import { parseArguments } from "./parse-arguments.ts";

describe("parseArguments", () => {
  it("reads every flag", () => {
    expect(parseArguments([])).toEqual({ direct: false, json: false });
    expect(parseArguments(["--direct", "--json", "--max", "40"])).toEqual({ direct: true, json: true, max: 40 });
    expect(parseArguments(["--json", "--help"])).toBe("help");
  });

  it.each([
    [["--max", "many"], '--max must be a number, not "many".'],
    [["--max=-1"], '--max must be a number, not "-1".'],
    [["--file"], "Unknown option '--file'"],
    [["x"], "Unexpected argument 'x'"],
  ])("refuses %j", (args, refusal) => {
    expect(parseArguments(args)).toEqual({ refusal: expect.stringContaining(refusal) });
  });
});
