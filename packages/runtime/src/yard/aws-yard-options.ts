import type { StackyardConfig } from "@stackyard/core";

/** A yard in an AWS account, as a project's configuration names it. */
export type AwsYardOptions = Extract<NonNullable<StackyardConfig["yards"]>[string], { readonly type: "aws" }>;
