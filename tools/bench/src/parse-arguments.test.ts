import { expect, it } from "vitest";
import { parseArguments } from "./parse-arguments.ts";

const parse = (args: readonly string[]) => parseArguments(args, ["pg-boss", "stackyard"]);
const OPTIONS = { quick: false, json: "bench.json" };

it.each([
  [[], { kind: "embedded", ...OPTIONS }],
  [["--quick", "--json", "b.json"], { kind: "embedded", quick: true, json: "b.json" }],
  [["--side-by-side"], { kind: "side-by-side", ...OPTIONS }],
  [["--growth", "--page", "p.md"], { kind: "growth", ...OPTIONS, page: "p.md" }],
  [
    ["--side-by-side", "--only", "stackyard,pg-boss"],
    { kind: "side-by-side", ...OPTIONS, only: ["stackyard", "pg-boss"] },
  ],
  [["--engines", "--only", "stackyard"], { kind: "engines", ...OPTIONS, only: ["stackyard"] }],
  [["--aws", "--quick"], { kind: "aws", quick: true, json: "bench.json" }],
  [["--aws", "--page", "p.md"], { kind: "aws", ...OPTIONS, page: "p.md" }],
  [["--console"], { kind: "console", ...OPTIONS }],
  [["--environments"], { kind: "environments", ...OPTIONS }],
  [["--starts", "--quick"], { kind: "starts", quick: true, json: "bench.json" }],
  [["--previews"], { kind: "previews", ...OPTIONS }],
  [["--page", "p.md"], { kind: "embedded", ...OPTIONS, page: "p.md" }],
  [["--profile", "pg-boss", "--quick"], { kind: "profile", contender: "pg-boss", quick: true }],
  [["--profile", "kue", "--help"], "help"],
])("reads %j", (args, expected) => {
  expect(parse(args)).toEqual(expected);
});

it.each([
  [["--profile", "kue"], 'Unknown contender "kue". Known: pg-boss, stackyard.'],
  [["--side-by-side", "--only", "stackyard,"], 'Unknown contender "". Known: pg-boss, stackyard.'],
  [["--profile", "pg-boss", "--growth"], "Use only one of --growth and --profile."],
  [["--side-by-side", "--growth"], "Use only one of --side-by-side and --growth."],
  [["--aws", "--growth"], "Use only one of --growth and --aws."],
  [["--aws", "--only", "pg-boss"], "--only goes with --side-by-side, --growth or --engines."],
  [["--fast"], expect.stringContaining("--fast")],
  [["growth"], expect.stringContaining("growth")],
])("refuses %j", (args, refusal) => {
  expect(parse(args)).toEqual({ refusal });
});
