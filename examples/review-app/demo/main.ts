import { rm } from "node:fs/promises";
import { waitForEnd } from "@stackyard/look";
import type { Check } from "./checks.ts";
import { runDemo } from "./demo.ts";
import { findProgram } from "./find-program.ts";
import { createInterrupt } from "./interrupt.ts";
import { type DemoOptions, HELP, parseOptions } from "./options.ts";
import { printChecks } from "./print-checks.ts";
import { createProject } from "./project.ts";
import { stackyardProgram } from "./stackyard-program.ts";
import { createTimeline, type Timeline } from "./timeline.ts";

process.exitCode = await main();

/** Returns 0: success. 1: a check failed. 2: the demo could not finish. 64: usage error. 130: Ctrl-C. */
async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (!options.help) return await demo(options);
    console.log(HELP);
    return 0;
  } catch (error) {
    console.error(`${toMessage(error)}\n\n${HELP}`);
    return 64;
  }
}

async function demo({ keep, kills }: DemoOptions): Promise<number> {
  const timeline = createTimeline();
  const interrupt = createInterrupt();
  const terraform = findProgram("terraform", process.env["PATH"] ?? "");
  printTerraform(timeline, terraform);
  const place = await createProject(terraform !== undefined);
  timeline.say(`a fresh project: stackyard init ${place.project}`);
  const withTerraform = terraform !== undefined;
  let exitCode = 2;
  const show = async (checks: readonly Check[], signInUrl: string) => {
    exitCode = printChecks(timeline, checks, withTerraform);
    if (keep) await waitForEnd({ signInUrl, say: (line) => timeline.plain(line), signal: interrupt });
  };
  await runDemo({ place, timeline, kills, withTerraform, interrupt, show }).catch((error: unknown) => {
    if (interrupt.aborted) timeline.warn("interrupted; everything was stopped");
    else timeline.warn(`it could not be finished: ${toMessage(error)}`);
    exitCode = interrupt.aborted ? 130 : 2;
  });
  if (keep || (exitCode !== 0 && exitCode !== 130)) printPlace(timeline, place);
  else await rm(place.root, { recursive: true, force: true, maxRetries: 3 });
  return exitCode;
}

function printTerraform(timeline: Timeline, terraform: string | undefined): void {
  if (terraform !== undefined) {
    timeline.say(`Terraform is ${terraform}; nothing is downloaded, no account is used`);
    return;
  }
  timeline.warn("there is no `terraform` on the PATH: only the part that functions do is shown.");
  timeline.warn("Install Terraform (or OpenTofu, linked as `terraform`) to see real modules applied and destroyed.");
}

function printPlace(timeline: Timeline, { root, project }: { readonly root: string; readonly project: string }): void {
  const stackyard = `${process.execPath} ${stackyardProgram()}`;
  timeline.plain();
  timeline.plain(`Everything is in ${root}; control-plane.log has the control plane's own words. To look around:`);
  timeline.plain(`  cd ${project}`);
  timeline.plain(`  alias stackyard="${stackyard}"`);
  timeline.plain("  stackyard dev          # and in another terminal, with the alias:");
  timeline.plain("  stackyard stacks ls");
  timeline.plain("  stackyard stacks history pr-12");
  timeline.plain("  stackyard send pr-7 MERGED --until removed");
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
