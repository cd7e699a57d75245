import type { CommandOutput } from "@stackyard/core";

/** The result of one check, such as a check of `stackyard doctor`. */
export interface Finding {
  /** One or two words: `node`, `store`, `queue`. */
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** The remedy. */
  readonly hint?: string;
}

/** Creates a finding for a check that passed. */
export function ok(check: string, message: string): Finding {
  return { check, status: "ok", message };
}

/** Creates a finding for something that works but may be incomplete. */
export function warn(check: string, message: string, hint: string): Finding {
  return { check, status: "warn", message, hint };
}

/** Creates a finding for something that does not work. */
export function fail(check: string, message: string, hint: string): Finding {
  return { check, status: "fail", message, hint };
}

/** Creates a finding from an error that was thrown. */
export function failOf(check: string, error: unknown, hint: string): Finding {
  return fail(check, error instanceof Error ? error.message : String(error), hint);
}

/** Runs a check and turns its errors into a finding, so that one failing check does not hide others. */
export async function look(
  check: string,
  hint: string,
  run: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await run();
  } catch (error) {
    return [failOf(check, error, hint)];
  }
}

/** How wide the names of checks are printed. */
const CHECK_WIDTH = 14;

/** Prints a row for each finding, its remedy below it, and returns the exit code: 1 if a check failed. `paint` may color the status. */
export function reportFindings(
  findings: readonly Finding[],
  out: Pick<CommandOutput, "result">,
  paint: (text: string, status: Finding["status"] | "hint") => string = (text) => text,
): 0 | 1 {
  for (const finding of findings) {
    const { check, status, message, hint } = finding;
    out.result(finding, () => {
      const line = `${paint(status.padEnd(4), status)}  ${check.padEnd(CHECK_WIDTH)}  ${message}`;
      return hint === undefined ? line : `${line}\n${" ".repeat(CHECK_WIDTH + 8)}${paint(hint, "hint")}`;
    });
  }
  return findings.some(({ status }) => status === "fail") ? 1 : 0;
}
