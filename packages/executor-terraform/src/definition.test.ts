import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { TerraformConfig, terraformDefinition } from "./definition.ts";

const config = Compile(TerraformConfig);
const subject = { stackId: "pr-12", machine: "review-app" };

describe("the config of a task", () => {
  it.each([
    { action: "apply" },
    { action: "destroy", source: { type: "s3", bucket: "b", key: "k/" } },
    { action: "apply", source: { type: "local", location: "./a" }, variables: { a: 1, b: null, c: ["d"] } },
    { action: "apply", source: { bucket: "b" } },
    { action: "apply", source: {} },
  ])("takes %j", (value) => {
    expect(config.Check(value)).toBe(true);
  });

  it.each([
    {},
    { action: "plan" },
    { action: "apply", more: 1 },
    { action: "apply", source: null },
    { action: "apply", source: { type: "git" } },
    { action: "apply", source: { type: "s3", bucket: "b" } },
    { action: "apply", source: { type: "s3", bucket: "b", key: "" } },
    { action: "apply", source: { type: "local", location: "a", key: "k" } },
    { action: "apply", variables: ["a"] },
  ])("refuses %j", (value) => {
    expect(config.Check(value)).toBe(false);
  });
});

describe("the exclusive key", () => {
  it("is the state key, whatever the action and the bucket", () => {
    const { exclusiveKey } = terraformDefinition;
    const apply = { action: "apply", source: { type: "s3", bucket: "a", key: "ecs" } } as const;
    const destroy = { action: "destroy", source: { type: "s3", bucket: "b", key: "ecs" } } as const;

    expect([exclusiveKey(subject, apply), exclusiveKey(subject, destroy)]).toEqual([
      "review-app/pr-12/ecs",
      "review-app/pr-12/ecs",
    ]);
    expect(exclusiveKey(subject, { action: "apply" })).toBeUndefined();
  });
});
