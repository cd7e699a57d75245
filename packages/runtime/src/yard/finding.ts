import type { AwsAccess } from "@stackyard/aws";
import type { AwsYardOptions } from "@stackyard/core";
import { type Finding, failOf } from "@stackyard/sdk/commands";
import type { YardDeps } from "./yard-deps.ts";
import type { YardParts } from "./yard-parts.ts";

/** Runs a check and turns its errors into findings, so that one failing check does not hide others. */
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

/** The shared input of all checks of a yard. */
export interface YardScene {
  readonly yard: AwsYardOptions;
  readonly parts: YardParts;
  readonly aws: AwsAccess;
  readonly deps: YardDeps;
}
