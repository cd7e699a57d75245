import { execFileSync } from "node:child_process";

/** The program that tests run themselves. */
export const PROGRAM = "terraform";

/** Returns true if there is a program, and reports a missing one; use as `describe.skipIf(!hasTerraform())`. */
export function hasTerraform(): boolean {
  try {
    execFileSync(PROGRAM, ["version"], { stdio: "ignore" });
    return true;
  } catch {
    process.stderr.write("SKIPPED: no terraform in PATH, so nothing here was run against the real program.\n");
    return false;
  }
}
