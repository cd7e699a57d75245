import { type Check, holds } from "./checks.ts";
import { paint, type Timeline } from "./timeline.ts";

/** Prints the table at the end. Returns the exit code of the demo. */
export function printChecks(timeline: Timeline, checks: readonly Check[], withTerraform: boolean): number {
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
