import { findProgram } from "stackyard-example-review-app/find-program";
import { createInterrupt } from "stackyard-example-review-app/interrupt";
import { printChecks } from "stackyard-example-review-app/print-checks";
import { createTimeline } from "stackyard-example-review-app/timeline";
import { runDemo } from "./demo.ts";

process.exitCode = await main();

/** Returns 0: success. 1: a check failed. 2: the demo could not finish. 130: Ctrl-C. */
async function main(): Promise<number> {
  const timeline = createTimeline();
  const interrupt = createInterrupt();
  const terraform = findProgram("terraform", process.env["PATH"] ?? "");
  const withTerraform = terraform !== undefined;
  if (withTerraform) timeline.say(`Terraform is ${terraform}; nothing is downloaded, no account is used`);
  else timeline.warn("there is no `terraform` on the PATH: a function makes the same files instead");
  try {
    const checks = await runDemo({ timeline, withTerraform, interrupt });
    return printChecks(timeline, checks, withTerraform);
  } catch (error) {
    if (interrupt.aborted) timeline.warn("interrupted; everything was stopped");
    else timeline.warn(`it could not be finished: ${error instanceof Error ? error.message : String(error)}`);
    return interrupt.aborted ? 130 : 2;
  }
}
