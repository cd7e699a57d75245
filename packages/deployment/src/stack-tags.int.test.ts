import { rmSync } from "node:fs";
import { join } from "node:path";
import { CreateChangeSetCommand, DescribeStacksCommand, ExecuteChangeSetCommand } from "@aws-sdk/client-cloudformation";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type ACloud, BUCKET, createCloud } from "./testing/a-cloud.ts";
import { writeRelease } from "./testing/a-release.ts";
import { makeProject } from "./testing/run-command.ts";

const project = makeProject();
let cloud: ACloud = createCloud();
beforeEach(() => {
  cloud = createCloud();
});
afterEach(() => {
  rmSync(project.folder, { recursive: true, force: true });
});

async function publish(sketch: Parameters<typeof writeRelease>[1] = {}) {
  writeRelease(join(project.folder, "dist/release"), sketch);
  await project.run(cloud.aws, "apps publish", { bucket: BUCKET, prefix: "stackyard" });
  await cloud.clock.sleep(1_000);
}
const deploy = (args = {}) => project.run(cloud.aws, "apps deploy", { name: "yard", ...args });
async function tags(): Promise<Record<string, string>> {
  const { Stacks: [stack] = [] } = await cloud.aws.cloudFormation.send(
    new DescribeStacksCommand({ StackName: "stackyard-main" }),
  );
  return Object.fromEntries((stack?.Tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
}

// guardian/riff-raff PR 1379, aws/aws-cdk#9259
it("keeps the tags that others have set on the stack", async () => {
  await publish();
  await deploy({ parameter: ["MachineBucket=machines"] });
  const own = await tags();
  // what the console, `aws cloudformation update-stack --use-previous-template --tags`, or the Tag Editor does
  const names = ["YardName", "CodeBucket", "StateManagerCodeKey", "StateManagerCodeVersion", "MachineBucket"];
  const ChangeSetName = "finance-tags",
    StackName = "stackyard-main";
  const { input } = cloud.sim.calls.find(
    ({ operation }) => operation === "CloudFormation.CreateChangeSet",
  ) as never as { input: { TemplateURL: string } };
  await cloud.aws.cloudFormation.send(
    new CreateChangeSetCommand({
      StackName,
      ChangeSetName,
      ChangeSetType: "UPDATE",
      TemplateURL: input.TemplateURL,
      Capabilities: ["CAPABILITY_NAMED_IAM"],
      Parameters: names.map((ParameterKey) => ({ ParameterKey, UsePreviousValue: true })),
      Tags: [
        ...Object.entries(own).map(([Key, Value]) => ({ Key, Value })),
        { Key: "CostCenter", Value: "4711" },
        { Key: "Owner", Value: "platform" },
      ],
    }),
  );
  await cloud.clock.sleep(5_000);
  await cloud.aws.cloudFormation.send(new ExecuteChangeSetCommand({ StackName, ChangeSetName }));
  await cloud.clock.sleep(600_000);
  await publish({ version: "0.2.0", zips: { "state-manager": "new" } });
  await deploy({ tag: ["Team=one"] });
  expect(await tags()).toMatchObject({ CostCenter: "4711", Owner: "platform", Team: "one" });
});
