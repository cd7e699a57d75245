import { definePlugin } from "@stackyard/core";
import { LambdaOptions } from "./definition.ts";
import { createLambdaExecutor } from "./lambda.ts";

export { LambdaConfig, LambdaOptions, LambdaOutputs, lambdaDefinition } from "./definition.ts";
export { createLambdaExecutor } from "./lambda.ts";

/** The plugin of the executor `lambda`. */
export default definePlugin({
  name: "lambda",
  options: LambdaOptions,
  executors: (options, context) => [createLambdaExecutor(options, context)],
});
