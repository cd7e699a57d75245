import { describe, expect, it } from "vitest";
import { toTaskSettings } from "./parse-environment.ts";

describe("the environment of a runner", () => {
  it("has defaults", () => {
    expect(toTaskSettings({})).toEqual({
      hasStore: false,
      concurrency: 4,
      terraform: {},
      stateBackendUrl: undefined,
      dataDir: undefined,
      hasSessionTags: false,
      isFunction: false,
    });
  });

  it("says how tasks are run", () => {
    const values = {
      TASK_CONCURRENCY: "12",
      TERRAFORM_BINARY: "tofu",
      TERRAFORM_VERSION: "~> 1.9.0",
      TERRAFORM_STATE_URL: "https://yard.example.org/",
      TASK_DATA_DIR: "/data",
      SESSION_TAGS: "true",
      AWS_LAMBDA_FUNCTION_NAME: "task-runner",
    };

    expect(toTaskSettings(values)).toEqual({
      hasStore: false,
      concurrency: 12,
      terraform: { binary: "tofu", version: "~> 1.9.0" },
      stateBackendUrl: "https://yard.example.org/terraform/state",
      dataDir: "/data",
      isFunction: true,
      hasSessionTags: true,
    });
  });

  it.each([
    [{ DYNAMODB_TABLE: "Stacks" }, true],
    [{ POSTGRES_CONNECTION_SECRET: "yard/db" }, true],
    [{ DATABASE_URL: "postgres://db" }, true],
    [{ LOCAL_MODE: "1" }, false],
  ])("detects whether a store is configured: %j", (values, hasStore) => {
    expect(toTaskSettings(values)).toMatchObject({ hasStore });
  });
});
