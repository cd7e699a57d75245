import type { AwsAccess } from "@stackyard/aws";
import type { AwsYardOptions } from "@stackyard/core";
import type { YardDeps } from "./yard-deps.ts";
import type { YardParts } from "./yard-parts.ts";

/** The result of one check of a yard. */
export interface Finding {
  /** One or two words: `identity`, `queue`. */
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** The remedy. */
  readonly hint?: string;
}

/** Returns a finding without faults. */
export function ok(check: string, message: string): Finding {
  return { check, status: "ok", message };
}

/** Returns a warning: it works, but something may be missing. */
export function warn(check: string, message: string, hint: string): Finding {
  return { check, status: "warn", message, hint };
}

/** Returns a failure: it will not work. */
export function fail(check: string, message: string, hint: string): Finding {
  return { check, status: "fail", message, hint };
}

/** Runs a check and turns its errors into findings, so that one failing check does not hide others. */
export async function look(
  check: string,
  hint: string,
  run: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await run();
  } catch (error) {
    return [fail(check, error instanceof Error ? error.message : String(error), hint)];
  }
}

/** The shared input of all checks of a yard. */
export interface YardScene {
  readonly yard: AwsYardOptions;
  readonly parts: YardParts;
  readonly aws: AwsAccess;
  readonly deps: YardDeps;
}
