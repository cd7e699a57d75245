import { rmSync } from "node:fs";
import { join } from "node:path";
import { SimFault } from "@stackyard/aws-sim";
import { afterEach, describe, expect, it } from "vitest";
import { BUCKET, createCloud } from "./testing/a-cloud.ts";
import { writeRelease } from "./testing/a-release.ts";
import { makeProject } from "./testing/run-command.ts";

const project = makeProject();
afterEach(() => rmSync(project.folder, { recursive: true, force: true }));

const REASON =
  "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information.";
const EVENT = {
  EventType: "VALIDATION_ERROR",
  LogicalResourceId: "EventQueue",
  ResourceType: "AWS::SQS::Queue",
  ValidationStatusReason: "Resource of type 'AWS::SQS::Queue' with identifier 'stack-events' already exists.",
};

/** Deploys a yard whose change set does not pass the validation. Returns the error. */
async function deploy(events: () => Promise<unknown>) {
  const cloud = createCloud();
  writeRelease(join(project.folder, "dist/release"), {});
  await project.run(cloud.aws, "apps publish", { bucket: BUCKET, prefix: "stackyard" });
  const refuse = async (proceed: () => Promise<unknown>): Promise<unknown> => {
    cloud.sim.once("CloudFormation.DescribeChangeSet", refuse);
    return { ...Object(await proceed()), Status: "FAILED", ExecutionStatus: "UNAVAILABLE", StatusReason: REASON };
  };
  cloud.sim.once("CloudFormation.DescribeChangeSet", refuse);
  cloud.sim.once("CloudFormation.DescribeEvents", events);
  const options = { name: "yard", parameter: ["MachineBucket=machines"] };
  return project.run(cloud.aws, "apps deploy", options).then(String, String);
}

// serverless/serverless#13248, aws/aws-cdk-cli#1000
describe("a change that does not pass CloudFormation's validation", () => {
  it("names the resource that exists already", async () => {
    const said = await deploy(async () => ({ OperationEvents: [EVENT, EVENT, { EventType: "STACK_EVENT" }] }));

    expect(said).toContain(
      "CloudFormation refuses the change: EventQueue (AWS::SQS::Queue): Resource of type 'AWS::SQS::Queue' with identifier 'stack-events' already exists.",
    );
  });

  it.each([
    ["may not be read", () => Promise.reject(new SimFault("AccessDenied", 403, "no"))],
    ["say nothing", async () => ({ OperationEvents: [] })],
  ])("passes CloudFormation's reason on, with one dot, where its events %s", async (_how, events) => {
    expect(await deploy(events)).toMatch(/use the DescribeEvents API for detailed failure information\.$/m);
  });
});
