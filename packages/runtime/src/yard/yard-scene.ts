import type { AwsAccess } from "@stackyard/aws";
import type { AwsYardOptions } from "@stackyard/core";
import type { YardDeps } from "./yard-deps.ts";
import type { YardParts } from "./yard-parts.ts";

/** The shared input of all checks of a yard. */
export interface YardScene {
  readonly yard: AwsYardOptions;
  readonly parts: YardParts;
  readonly aws: AwsAccess;
  readonly deps: YardDeps;
}
