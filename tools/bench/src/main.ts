// npm run bench [-- --side-by-side | --growth | --aws | --access | --console | --previews | --profile ID] [--quick] [--json FILE] …; see --help

import { runAws } from "./aws/run-aws.ts";
import { type BenchArguments, HELP, parseArguments } from "./parse-arguments.ts";
import { runAccess } from "./run-access.ts";
import { runConsole } from "./run-console.ts";
import { runEmbedded } from "./run-embedded.ts";
import { runPreviews } from "./run-previews.ts";
import { CONTENDER_IDS } from "./side-by-side/contenders.ts";
import { runProfile } from "./side-by-side/profile.ts";
import { runGrowth, runSideBySide } from "./side-by-side/run-side-by-side.ts";

function run(input: BenchArguments): Promise<void> {
  switch (input.kind) {
    case "profile":
      return runProfile(input.contender, input.quick);
    case "aws":
      return runAws(input);
    case "access":
      return runAccess(input);
    case "console":
      return runConsole(input);
    case "previews":
      return runPreviews(input);
    case "growth":
      return runGrowth(input);
    case "side-by-side":
      return runSideBySide(input);
    case "embedded":
      return runEmbedded(input);
  }
}

const input = parseArguments(process.argv.slice(2), CONTENDER_IDS);
if (input === "help") process.stdout.write(`${HELP}${CONTENDER_IDS.join(", ")}\n`);
else if ("refusal" in input) {
  process.stderr.write(`${input.refusal} See --help.\n`);
  process.exitCode = 64;
} else await run(input);
