import { definePlugin, type Plugin } from "@stackyard/core";
import { TerraformOptions } from "./definition.ts";
import { createTerraformExecutor } from "./terraform.ts";

export type { S3Object, S3Source } from "@stackyard/sources";
export {
  provideTerraformState,
  TERRAFORM_STATE,
  TerraformConfig,
  TerraformOptions,
  TerraformOutputs,
  type TerraformState,
  terraformDefinition,
} from "./definition.ts";
export type { ProgramCall, ProgramRunner } from "./run/child.ts";
export { TERRAFORM_FAILURES, type TerraformFailureCode } from "./run/failure.ts";
export { isTooOld, parseVersionText } from "./run/find-program.ts";
export type { TerraformDeps } from "./settings.ts";
export { createTerraformExecutor } from "./terraform.ts";

/** The plugin `terraform`, as a project's configuration loads it. */
const plugin: Plugin = definePlugin({
  name: "terraform",
  options: TerraformOptions,
  executors: (options, context) => [createTerraformExecutor(options, context)],
});

export default plugin;
