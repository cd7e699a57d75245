import { PLANTED_BUGS } from "@stackyard/core/testing";
import { HELP, parseArguments } from "./parse-arguments.ts";
import { runSeeds } from "./run-seeds.ts";

const bugs = PLANTED_BUGS.map(({ name }) => name);
const input = parseArguments(process.argv.slice(2), bugs);

if (input === "help") {
  process.stdout.write(`${HELP}${bugs.join(", ")}\n`);
} else if ("refusal" in input) {
  process.stderr.write(`${input.refusal} See --help.\n`);
  process.exitCode = 64;
} else {
  process.exitCode = await runSeeds(input, {
    result: (line) => process.stdout.write(`${line}\n`),
    progress: (line) => process.stderr.write(`${line}\n`),
    now: () => performance.now(),
  });
}
