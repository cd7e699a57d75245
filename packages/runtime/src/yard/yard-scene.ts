import type { AwsAccess } from "@stackyard/aws";
import type { AwsYardOptions } from "./aws-yard-options.ts";
import type { YardDeps } from "./yard-context.ts";
import type { YardParts } from "./yard-parts.ts";

/** What the looks at a yard share. */
export interface YardScene {
  readonly yard: AwsYardOptions;
  readonly parts: YardParts;
  readonly aws: AwsAccess;
  readonly deps: YardDeps;
}
