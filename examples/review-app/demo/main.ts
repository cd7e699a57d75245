import { rm } from "node:fs/promises";
import { type Check, holds } from "./checks.ts";
import { runDemo } from "./demo.ts";
import { findProgram } from "./find-program.ts";
import { type DemoOptions, HELP, parseOptions } from "./options.ts";
import { createProject } from "./project.ts";
import { stackyardProgram } from "./stackyard-program.ts";
import { createTimeline, paint, type Timeline } from "./timeline.ts";

process.exitCode = await main();

/** 0: success. 1: a check failed. 2: the demo could not finish. 64: usage error. 130: Ctrl-C. */
async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2), process.env);
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
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      // The second one does not wait for running tasks; the control plane ends with this process.
      if (interrupt.signal.aborted) process.exit(130);
      interrupt.abort(new Error(name));
    });
  }
  // The reader has closed the pipe, as with `| head`.
  process.stdout.on("error", (error) => interrupt.abort(error));
  const terraform = findProgram("terraform", process.env["PATH"] ?? "");
  printTerraform(timeline, terraform);
  const place = await createProject(terraform !== undefined);
  timeline.say(`a fresh project: stackyard init ${place.project}`);
  const withTerraform = terraform !== undefined;
  let exitCode = 2;
  const show = async (checks: readonly Check[], signInUrl: string) => {
    exitCode = printChecks(timeline, checks, withTerraform);
    if (keep) await showConsole(timeline, signInUrl, interrupt.signal);
  };
  await runDemo({ place, timeline, kills, withTerraform, interrupt: interrupt.signal, show }).catch(
    (error: unknown) => {
      if (interrupt.signal.aborted) timeline.warn("interrupted; everything was stopped");
      else timeline.warn(`it could not be finished: ${toMessage(error)}`);
      exitCode = interrupt.signal.aborted ? 130 : 2;
    },
  );
  if (keep || (exitCode !== 0 && exitCode !== 130)) printPlace(timeline, place);
  else await rm(place.root, { recursive: true, force: true, maxRetries: 3 });
  return exitCode;
}

/** Leaves the control plane running for a look at the console, until Ctrl-C. */
function showConsole(timeline: Timeline, signInUrl: string, interrupt: AbortSignal): Promise<void> {
  timeline.plain();
  timeline.plain(
    "The control plane keeps running. See both environments in the console (the code works once, for 10 minutes):",
  );
  timeline.plain(`  ${paint("cyan", signInUrl)}`);
  timeline.plain("Ctrl-C stops it.");
  return new Promise((resolve) => {
    if (interrupt.aborted) resolve();
    // Without this, nothing would keep the process alive that waits for a signal.
    const alive = setInterval(() => {}, 60_000);
    interrupt.addEventListener("abort", () => {
      clearInterval(alive);
      resolve();
    });
  });
}

function printTerraform(timeline: Timeline, terraform: string | undefined): void {
  if (terraform !== undefined) {
    timeline.say(`Terraform is ${terraform}; nothing is downloaded, no account is used`);
    return;
  }
  timeline.warn("there is no `terraform` on the PATH: only the part that functions do is shown.");
  timeline.warn("Install Terraform (or OpenTofu, linked as `terraform`) to see real modules applied and destroyed.");
}

function printChecks(timeline: Timeline, checks: readonly Check[], withTerraform: boolean): number {
  const wide = (pick: (check: Check) => string) => Math.max(...checks.map((check) => pick(check).length));
  const [what, expected] = [wide((check) => check.what), wide((check) => check.expected)];
  timeline.plain();
  timeline.plain(paint("bold", "What exists and what was removed"));
  for (const check of checks) {
    const mark = holds(check) ? paint("green", "ok  ") : paint("red", "FAIL");
    const found = holds(check) ? "" : `  but found: ${check.found}`;
    timeline.plain(`  ${mark}  ${check.what.padEnd(what)}  ${check.expected.padEnd(expected)}${found}`.trimEnd());
  }
  const wrong = checks.filter((check) => !holds(check)).length;
  timeline.plain();
  if (wrong > 0) timeline.plain(paint("red", `${wrong} of ${checks.length} checks do not hold.`));
  else timeline.plain(`All ${checks.length} checks hold${withTerraform ? "." : ", of the part without Terraform."}`);
  return wrong === 0 ? 0 : 1;
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
