import { parseDemoWords, waitForEnd } from "@stackyard/look";
import { findProgram } from "stackyard-example-review-app/find-program";
import { createInterrupt } from "stackyard-example-review-app/interrupt";
import { printChecks } from "stackyard-example-review-app/print-checks";
import { createTimeline } from "stackyard-example-review-app/timeline";
import { runDemo } from "./demo.ts";

process.exitCode = await main(process.argv.slice(2));

/** Returns 0: success. 1: a check failed. 2: the demo could not finish. 64: usage error. 130: Ctrl-C. */
async function main(words: readonly string[]): Promise<number> {
  const about =
    "Two releases through three environments and 40 tenants: approval, freeze, kill -9, stale plan, failing tenant, undo.";
  const options = parseDemoWords(words, { command: "npm run demo:promotion", about });
  if (typeof options === "number") return options;
  const timeline = createTimeline();
  const interrupt = createInterrupt();
  const terraform = findProgram("terraform", process.env["PATH"] ?? "");
  const withTerraform = terraform !== undefined;
  if (withTerraform) timeline.say(`Terraform is ${terraform}; nothing is downloaded, no account is used`);
  else timeline.warn("there is no `terraform` on the PATH: a function makes the three environments instead");
  let exitCode = 2;
  try {
    await runDemo({
      timeline,
      withTerraform,
      interrupt,
      async show(checks, plane) {
        exitCode = printChecks(timeline, checks, withTerraform);
        if (!options.keep) return;
        const say = (line: string) => timeline.plain(line);
        await waitForEnd({ signInUrl: await plane.findSignIn(), say, signal: interrupt });
      },
    });
  } catch (error) {
    if (interrupt.aborted) timeline.warn("interrupted; everything was stopped");
    else timeline.warn(`it could not be finished: ${error instanceof Error ? error.message : String(error)}`);
    exitCode = interrupt.aborted ? 130 : 2;
  }
  return exitCode;
}
