import { definePlugin, type Plugin } from "@stackyard/core";
import { TerraformOptions } from "./options.ts";
import { createTerraformExecutor } from "./terraform.ts";

export { TerraformConfig, TerraformOutputs, terraformDefinition } from "./definition.ts";
export { TERRAFORM_FAILURES, type TerraformFailureCode } from "./failure.ts";
export { TerraformOptions } from "./options.ts";
export type { S3Object, S3Source } from "./s3-source.ts";
export type { TerraformDeps } from "./settings.ts";
export { provideTerraformState, TERRAFORM_STATE, type TerraformState } from "./state-service.ts";
export { createTerraformExecutor } from "./terraform.ts";

/** The plugin `terraform`, as a project's configuration loads it. */
const plugin: Plugin = definePlugin({
  name: "terraform",
  options: TerraformOptions,
  executors: (options, context) => [createTerraformExecutor(options, context)],
});

export default plugin;
