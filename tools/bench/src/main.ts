// npm run bench [-- --side-by-side | --growth | --engines | --aws | --access | --console | --previews | --starts | --environments | --promotion | --profile ID] [--quick] [--json FILE] …; see --help

import { runAws } from "./aws/run-aws.ts";
import { ENGINE_IDS } from "./engines/engines.ts";
import { runEngines } from "./engines/run-engines.ts";
import { type BenchArguments, HELP, parseArguments } from "./parse-arguments.ts";
import { runAccess } from "./run-access.ts";
import { runConsole } from "./run-console.ts";
import { runEmbedded } from "./run-embedded.ts";
import { runEnvironments } from "./run-environments.ts";
import { runPreviews } from "./run-previews.ts";
import { runPromotion } from "./run-promotion.ts";
import { runStarts } from "./run-starts.ts";
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
    case "starts":
      return runStarts(input);
    case "environments":
      return runEnvironments(input);
    case "promotion":
      return runPromotion(input);
    case "growth":
      return runGrowth(input);
    case "engines":
      return runEngines(input);
    case "side-by-side":
      return runSideBySide(input);
    case "embedded":
      return runEmbedded(input);
  }
}

const KNOWN_IDS = [...CONTENDER_IDS, ...ENGINE_IDS];
const input = parseArguments(process.argv.slice(2), KNOWN_IDS);
if (input === "help") process.stdout.write(`${HELP}${KNOWN_IDS.join(", ")}\n`);
else if ("refusal" in input) {
  process.stderr.write(`${input.refusal} See --help.\n`);
  process.exitCode = 64;
} else await run(input);
