import { describe, expect, it } from "vitest";
import { findCustomResources } from "./custom-resources.ts";

function find(config: { readonly customResources?: string }, env: Readonly<Record<string, string>> = {}) {
  const file = { config, path: "/project/stackyard.config.ts", projectDir: "/project" };
  const createAws = () => {
    throw new Error("Nothing is opened before the first request.");
  };
  return findCustomResources(file, { env, createAws });
}

describe("findCustomResources", () => {
  it("is undefined where no table is named", () => {
    expect(find({})).toBeUndefined();
  });

  it.each(["stackyard-ecs-task", "arn:aws:dynamodb:eu-west-1:111122223333:table/stackyard-ecs-task"])(
    "opens nothing yet for %s",
    (table) => {
      expect(find({ customResources: table })).toBeDefined();
      expect(find({}, { STACKYARD_CUSTOM_RESOURCES: table })).toBeDefined();
    },
  );

  it.each(["a b", "arn:aws:sqs:eu-west-1:111122223333:table/x"])("rejects %s", (table) => {
    expect(() => find({ customResources: table })).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});
