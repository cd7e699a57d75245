import { describe, expect, it } from "vitest";
import { checkResources } from "./check-resources.ts";

function check(type: string, properties: Readonly<Record<string, unknown>>): readonly string[] {
  return checkResources({ resources: { It: { type, properties } }, outputs: {} });
}

describe("the check of resources", () => {
  it.each([
    ["an unknown type", "AWS::SQS::Queues", {}, "It: unknown type AWS::SQS::Queues."],
    ["a property that there is not", "AWS::SQS::Queue", { Name: "a" }, "It.Name is not known."],
    ["a property that is missing", "AWS::Lambda::EventSourceMapping", {}, "It.FunctionName is missing."],
    ["an invalid number", "AWS::SQS::Queue", { VisibilityTimeout: "long" }, "It.VisibilityTimeout must be a number."],
    ["an invalid boolean", "AWS::SQS::Queue", { FifoQueue: "no" }, "It.FifoQueue must be true or false."],
    ["an invalid list", "AWS::SQS::QueuePolicy", { PolicyDocument: {}, Queues: "a" }, "It.Queues must be a list."],
    ["an invalid text", "AWS::SQS::Queue", { QueueName: {} }, "It.QueueName must be a text."],
    [
      "a property of a part that is not spelled so",
      "AWS::Lambda::EventSourceMapping",
      { FunctionName: "f", ScalingConfig: { maximumConcurrency: 2 } },
      "It.ScalingConfig.maximumConcurrency is not known.",
    ],
  ])("finds %s", (_what, type, properties, problem) => {
    expect(check(type, properties)).toContain(problem);
  });

  it("looks into lists that may also be any JSON", () => {
    const [problem] = check("AWS::DynamoDB::Table", { KeySchema: [{ attributeName: "id", KeyType: "HASH" }] });

    expect(problem).toBe("It.KeySchema[0].AttributeName is missing.");
  });

  it("finds a value that is not among those allowed", () => {
    const [problem] = check("AWS::Lambda::Function", { Code: {}, Role: "r", RecursiveLoop: "Yes" });

    expect(problem).toBe("It.RecursiveLoop must be one of Allow, Terminate, and is Yes.");
  });

  it("finds nothing where there is nothing", () => {
    expect(check("AWS::SQS::Queue", { QueueName: "a", VisibilityTimeout: "30", FifoQueue: true })).toEqual([]);
  });
});
