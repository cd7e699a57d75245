import type { Executor, Step } from "@stackyard/core";

const ADVICE =
  "This function was made of a zip, which brings no Terraform. Send such tasks to a container (SQS_LONG_TASK_QUEUE_URL), make the function of the runner's image, or add a layer that holds bin/terraform.";

/** The executor `terraform` in a function: where the program is missing, the failure says how it gets there. */
export function tellMissingTerraform(executor: Executor): Executor {
  return { ...executor, start: async (ctx, config) => withAdvice(await executor.start(ctx, config)) };
}

function withAdvice(step: Step): Step {
  if (step.kind !== "failed" || step.code !== "TERRAFORM_NOT_FOUND") return step;
  return { ...step, message: `${step.message} ${ADVICE}` };
}
