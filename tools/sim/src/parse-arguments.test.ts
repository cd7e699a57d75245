import { expect, it } from "vitest";
import { parseArguments } from "./parse-arguments.ts";

const DEFAULTS = { from: 1, seeds: 1_000, seconds: Number.POSITIVE_INFINITY, json: false, trace: false };

it.each([
  [[], DEFAULTS],
  [
    ["--seeds", "5", "--from", "7", "--seconds", "60", "--json"],
    { ...DEFAULTS, seeds: 5, from: 7, seconds: 60, json: true },
  ],
  [["--seed", "42", "--trace"], { ...DEFAULTS, from: 42, seeds: 1, trace: true }],
  [["--bug", "fencing"], { ...DEFAULTS, bug: "fencing" }],
  [["--help"], "help"],
])("reads %j", (args, expected) => {
  expect(parseArguments(args, ["fencing", "polls"])).toEqual(expected);
});

it.each([
  [["--bug", "other"], 'Unknown bug "other". Valid bugs: fencing, polls.'],
  [["--seeds", "many"], '--seeds takes a whole number, not "many".'],
  [["--seed", "-1"], expect.stringContaining("--seed")],
  [["--what"], expect.stringContaining("--what")],
  [["what"], expect.stringContaining("what")],
])("refuses %j", (args, refusal) => {
  expect(parseArguments(args, ["fencing", "polls"])).toEqual({ refusal });
});
