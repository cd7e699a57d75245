import { expect, it } from "vitest";
import { parseArguments } from "./parse-arguments.ts";

const DEFAULTS = {
  store: "sqlite",
  stacks: 500,
  transitions: 20,
  kills: 100,
  minutes: 10,
  everyMs: 1_000,
  freezeMs: 3_000,
  engines: 2,
  workers: 3,
};

it.each([
  [[], DEFAULTS],
  [["--store", "postgres"], { ...DEFAULTS, store: "postgres", stacks: 1_000 }],
  [
    ["--stacks", "7", "--transitions", "3", "--kills", "0", "--minutes", "1"],
    { ...DEFAULTS, stacks: 7, transitions: 3, kills: 0, minutes: 1 },
  ],
  [
    ["--every", "5", "--freeze", "6", "--engines", "1", "--workers", "4"],
    { ...DEFAULTS, everyMs: 5, freezeMs: 6, engines: 1, workers: 4 },
  ],
  [["--stacks", "many", "--help"], "help"],
])("reads %j", (args, expected) => {
  expect(parseArguments(args)).toEqual(expected);
});

it.each([
  [["--store", "mysql"], 'Unknown store "mysql". Valid stores: sqlite, postgres.'],
  [["--kills", "1O"], '--kills takes a whole number from 0 on, not "1O".'],
  [["--workers", "0"], '--workers takes a whole number from 1 on, not "0".'],
  [["--minutes", "1.5"], expect.stringContaining("--minutes")],
  [["--kill", "3"], expect.stringContaining("--kill")],
  [["postgres"], expect.stringContaining("postgres")],
])("refuses %j", (args, refusal) => {
  expect(parseArguments(args)).toEqual({ refusal });
});
