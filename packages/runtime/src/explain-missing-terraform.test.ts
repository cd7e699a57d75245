import { defineExecutor, type ExecutorContext, failed, type Step } from "@stackyard/core";
import { createExecutorContext } from "@stackyard/core/testing";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { explainMissingTerraform } from "./explain-missing-terraform.ts";

function answering(step: Step) {
  const start = async (_ctx: ExecutorContext) => step;
  return explainMissingTerraform(
    defineExecutor({ name: "terraform", config: Type.Object({}), resumable: false, start }),
  );
}

describe("Terraform in a function", () => {
  it("says what to do where the program is missing", async () => {
    const executor = answering(failed({ code: "TERRAFORM_NOT_FOUND", message: "It is not found.", retryable: false }));

    expect(await executor.start(createExecutorContext(), {} as never)).toMatchObject({
      code: "TERRAFORM_NOT_FOUND",
      message: expect.stringMatching(/^It is not found\. .*SQS_LONG_TASK_QUEUE_URL.*image.*layer/),
    });
  });

  it("leaves other answers alone", async () => {
    const step = failed({ code: "TERRAFORM_APPLY_FAILED", message: "It broke.", retryable: true });

    expect(await answering(step).start(createExecutorContext(), {} as never)).toEqual(step);
  });

  it("keeps what the executor is", () => {
    const step = failed({ code: "X", message: "", retryable: false });

    expect(answering(step)).toMatchObject({ name: "terraform", resumable: false });
  });
});
