import type { AwsAccess } from "@stackyard/aws";
import type { AwsYardOptions, YardDeps, YardParts } from "./open-yard.ts";

/** What one look at a yard has found. */
export interface Finding {
  /** One or two words: `identity`, `queue`. */
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
}

/** All is well. */
export function ok(check: string, message: string): Finding {
  return { check, status: "ok", message };
}

/** It works, but something may be missing. */
export function warn(check: string, message: string, hint: string): Finding {
  return { check, status: "warn", message, hint };
}

/** It will not work. */
export function fail(check: string, message: string, hint: string): Finding {
  return { check, status: "fail", message, hint };
}

/** Looks, and makes a finding of what is thrown, so that one look that fails hides no other. */
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

/** What all checks of a yard share. */
export interface YardScene {
  readonly yard: AwsYardOptions;
  readonly parts: YardParts;
  readonly aws: AwsAccess;
  readonly deps: YardDeps;
}
