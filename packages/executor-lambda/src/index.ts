import { definePlugin } from "@stackyard/core";
import { createLambdaExecutor } from "./lambda.ts";
import { LambdaOptions } from "./lambda-options.ts";

export { LambdaConfig, LambdaOutputs, lambdaDefinition } from "./definition.ts";
export { createLambdaExecutor } from "./lambda.ts";
export { LambdaOptions } from "./lambda-options.ts";

/** The plugin of the executor `lambda`. */
export default definePlugin({
  name: "lambda",
  options: LambdaOptions,
  executors: (options, context) => [createLambdaExecutor(options, context)],
});
