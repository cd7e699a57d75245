import { expect, it } from "vitest";
import { parseArguments } from "./parse-arguments.ts";
import { CONTENDER_IDS, loadContenders } from "./side-by-side/load-contender.ts";

const parse = (args: readonly string[]) => parseArguments(args, ["pg-boss", "stackyard"]);
const EMBEDDED = { kind: "embedded", quick: false, json: "bench.json" };
const BESIDES = { kind: "side-by-side", measure: "rates", quick: false, json: "bench.json" };

it.each([
  [[], EMBEDDED],
  [["--quick", "--json", "b.json"], { ...EMBEDDED, quick: true, json: "b.json" }],
  [["--side-by-side"], BESIDES],
  [["--growth", "--page", "p.md"], { ...BESIDES, measure: "growth", page: "p.md" }],
  [["--side-by-side", "--growth"], { ...BESIDES, measure: "growth" }],
  [["--side-by-side", "--only", "stackyard,pg-boss"], { ...BESIDES, only: ["stackyard", "pg-boss"] }],
  [["--aws", "--quick"], { kind: "aws", quick: true, json: "bench.json" }],
  [["--aws", "--page", "p.md"], { kind: "aws", quick: false, json: "bench.json", page: "p.md" }],
  [["--fleet", "--page", "p.md"], { kind: "fleet", quick: false, json: "bench.json", page: "p.md" }],
  [["--artifacts"], { kind: "artifacts", quick: false, gigabytes: 1, json: "bench.json" }],
  [
    ["--artifacts", "--artifact-gigabytes", "10", "--page", "p.md"],
    { kind: "artifacts", quick: false, gigabytes: 10, json: "bench.json", page: "p.md" },
  ],
  [["--profile", "pg-boss", "--quick"], { kind: "profile", contender: "pg-boss", quick: true }],
  [["--profile", "kue", "--help"], "help"],
])("reads %j", (args, expected) => {
  expect(parse(args)).toEqual(expected);
});

it.each([
  [["--profile", "kue"], 'There is no contender "kue". Known: pg-boss, stackyard.'],
  [["--side-by-side", "--only", "stackyard,"], 'There is no contender "". Known: pg-boss, stackyard.'],
  [["--profile", "pg-boss", "--growth"], "--profile is a measurement of its own."],
  [
    ["--page", "p.md"],
    "--page and --only go with --side-by-side or --growth, --page also with --aws, --fleet and --artifacts.",
  ],
  [["--artifact-gigabytes", "10"], "--artifact-gigabytes goes with --artifacts."],
  [["--artifacts", "--artifact-gigabytes", "0"], "--artifact-gigabytes is a whole number from 1 to 100."],
  [["--artifacts", "--artifact-gigabytes", "101"], "--artifact-gigabytes is a whole number from 1 to 100."],
  [["--artifacts", "--artifact-gigabytes", "1e9"], "--artifact-gigabytes is a whole number from 1 to 100."],
  [["--artifacts", "--fleet"], "--fleet is a measurement of its own."],
  [["--artifacts", "--growth"], "--artifacts is a measurement of its own."],
  [["--aws", "--growth"], "--aws is a measurement of its own."],
  [["--aws", "--fleet"], "--aws is a measurement of its own."],
  [["--fleet", "--growth"], "--fleet is a measurement of its own."],
  [["--aws", "--profile", "pg-boss"], "--aws is a measurement of its own."],
  [["--aws", "--only", "pg-boss"], "--only goes with --side-by-side or --growth."],
  [["--fast"], expect.stringContaining("--fast")],
  [["growth"], expect.stringContaining("growth")],
])("refuses %j", (args, refusal) => {
  expect(parse(args)).toEqual({ refusal });
});

it("knows every contender by its id", async () => {
  expect((await loadContenders()).map(({ id }) => id)).toEqual(CONTENDER_IDS);
});
