// npm run bench [-- --side-by-side | --growth | --aws | --fleet | --artifacts | --profile ID] [--quick] [--json FILE] …; see --help

import { runArtifacts } from "./artifacts/run-artifacts.ts";
import { runAws } from "./aws/run-aws.ts";
import { runFleet } from "./fleet/run-fleet.ts";
import { type BenchArguments, HELP, parseArguments } from "./parse-arguments.ts";
import { runEmbedded } from "./run-embedded.ts";
import { CONTENDER_IDS } from "./side-by-side/load-contender.ts";
import { runProfile } from "./side-by-side/run-profile.ts";
import { runSideBySide } from "./side-by-side/run-side-by-side.ts";

async function run(input: BenchArguments): Promise<void> {
  if (input.kind === "profile") return runProfile(input.contender, input.quick);
  if (input.kind === "aws") return runAws(input);
  if (input.kind === "fleet") return runFleet(input);
  if (input.kind === "artifacts") return runArtifacts(input);
  return input.kind === "side-by-side" ? runSideBySide(input) : runEmbedded(input);
}

const input = parseArguments(process.argv.slice(2), CONTENDER_IDS);
if (input === "help") process.stdout.write(`${HELP}${CONTENDER_IDS.join(", ")}\n`);
else if ("refusal" in input) {
  process.stderr.write(`${input.refusal} See --help.\n`);
  process.exitCode = 64;
} else await run(input);
