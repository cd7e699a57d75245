import type { Executor, Step } from "@stackyard/core";

const ADVICE =
  "This function was created from a zip, which contains no Terraform. Send such tasks to a container (SQS_LONG_TASK_QUEUE_URL), create the function from the runner's image, or add a layer with bin/terraform.";

/**
 * Adds advice to the executor `terraform` in a function: if the program is missing, the failure explains how to install
 * it.
 */
export function explainMissingTerraform(executor: Executor): Executor {
  return { ...executor, start: async (ctx, config) => withAdvice(await executor.start(ctx, config)) };
}

function withAdvice(step: Step): Step {
  if (step.kind !== "failed" || step.code !== "TERRAFORM_NOT_FOUND") return step;
  return { ...step, message: `${step.message} ${ADVICE}` };
}
