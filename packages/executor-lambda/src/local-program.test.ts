import { describe, expect, it } from "vitest";
import { parseLocalFunctions } from "./local-function.ts";
import { toLocalProgram } from "./local-program.ts";

describe("toLocalProgram", () => {
  it("gives a function the runner's environment, Lambda's over it, and its own over both", () => {
    const environment = { PATH: "/bin", HOME: "/home/kim", AWS_LAMBDA_FUNCTION_NAME: "the runner's", STAGE: "prod" };
    const fn = { command: ["true"], env: { STAGE: "dev" } };
    const local = parseLocalFunctions({ f: fn }, { projectDir: "/project", environment }).get("f");
    if (local === undefined) throw new Error("The function was not read.");
    const context = {
      functionName: "f",
      functionVersion: "$LATEST",
      invokedFunctionArn: "arn:aws:lambda:local:000000000000:function:f",
      memoryLimitInMB: "512",
      awsRequestId: "id",
      logGroupName: "/aws/lambda/f",
      logStreamName: "local",
    };

    expect(toLocalProgram(local, context, "{}").env).toEqual({
      PATH: "/bin",
      HOME: "/home/kim",
      STAGE: "dev",
      AWS_LAMBDA_FUNCTION_NAME: "f",
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/f",
      AWS_LAMBDA_LOG_STREAM_NAME: "local",
      LAMBDA_TASK_ROOT: "/project",
    });
  });
});
