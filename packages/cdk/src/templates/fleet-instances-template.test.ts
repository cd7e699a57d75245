import { createHash } from "node:crypto";
import { applyArtifactDocument, applyArtifactHash, applyArtifactText } from "@stackyard/executor-runcommand/document";
import { describe, expect, it } from "vitest";
import { FULL_INSTANCES_APP, INSTANCES_APP } from "../testing/an-app.ts";
import { findGrants, listPairs } from "../testing/find-grants.ts";
import { findBody } from "../testing/find-template.ts";
import { resolveTemplate, toJson } from "../testing/resolve-template.ts";

const body = JSON.parse(findBody("fleet-instances"));
const deploy = (parameters: Readonly<Record<string, string>>) => resolveTemplate(body, parameters);

describe("the template with the resources of instances", () => {
  const full = deploy(FULL_INSTANCES_APP).resources;
  const propertiesOf = (id: string) => full[id]?.properties ?? {};

  it("makes the document and the profile, and nothing else that was not said", () => {
    const { resources } = deploy(INSTANCES_APP);

    expect(Object.values(resources).map(({ type }) => type)).toEqual([
      ...["AWS::SSM::Document", "AWS::IAM::Role", "AWS::IAM::InstanceProfile"],
    ]);
  });

  it("publishes the document byte by byte, so that its hash is the one that commands name", () => {
    const { Name, Content, UpdateMethod } = propertiesOf("ApplyArtifactDocument");

    expect([Name, Content, UpdateMethod]).toEqual(["Stackyard-ApplyArtifact", applyArtifactText, "NewVersion"]);
    expect(createHash("sha256").update(String(Content)).digest("hex")).toBe(applyArtifactHash);
  });

  it("associates the artifact with the tag, with parameters that the document takes", () => {
    const { Name, Targets, Parameters, MaxConcurrency, MaxErrors } = propertiesOf("Association");

    expect([Name, Targets]).toEqual([
      "ApplyArtifactDocument",
      [{ Key: "tag:has_ssm_agent", Values: ["true", "True"] }],
    ]);
    expect([MaxConcurrency, MaxErrors]).toEqual(["50", "0"]);
    const wrong = Object.entries(toJson(Parameters)).filter(([name, values]) => {
      const { allowedPattern } = applyArtifactDocument.parameters[name] ?? { allowedPattern: "^$" };
      return !new RegExp(allowedPattern).test(String(values));
    });
    expect(wrong).toEqual([]);
    expect(Object.keys(toJson(Parameters))).toContain("InventorySource");
  });

  it("holds launches until they are configured, and abandons those that are not", () => {
    expect(propertiesOf("LaunchHook")).toEqual({
      AutoScalingGroupName: "webservers",
      LifecycleHookName: "stackyard-configure",
      LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
      DefaultResult: "ABANDON",
      HeartbeatTimeout: "900",
    });
  });

  it("patches in a window, some instances at a time", () => {
    expect(propertiesOf("PatchWindow")).toMatchObject({
      Schedule: "cron(0 3 ? * SUN *)",
      ScheduleTimezone: "Europe/Berlin",
      Duration: "4",
      Cutoff: "1",
      AllowUnassociatedTargets: false,
    });
    expect(propertiesOf("PatchTarget")).toMatchObject({
      Targets: [{ Key: "tag:has_ssm_agent", Values: ["true", "True"] }],
    });
    expect(propertiesOf("PatchTask")).toMatchObject({
      TaskType: "RUN_COMMAND",
      TaskArn: "AWS-RunPatchBaseline",
      Priority: 0,
      MaxConcurrency: "10%",
      MaxErrors: "5%",
      CutoffBehavior: "CONTINUE_TASK",
      Targets: [{ Key: "WindowTargetIds", Values: ["PatchTarget"] }],
      TaskInvocationParameters: {
        MaintenanceWindowRunCommandParameters: {
          Parameters: { Operation: ["Install"], RebootOption: ["RebootIfNeeded"] },
        },
      },
    });
  });

  it("lets instances talk to SSM, read artifacts and write output, and nothing else", () => {
    const resolved = deploy(FULL_INSTANCES_APP);

    expect(listPairs(findGrants(resolved, "InstanceRole"))).toEqual([
      "s3:GetObject arn:aws:s3:::artifacts/GARLC/*",
      "s3:GetObjectVersion arn:aws:s3:::artifacts/GARLC/*",
      "s3:PutObject arn:aws:s3:::output/all/*",
    ]);
    expect(propertiesOf("InstanceRole")["ManagedPolicyArns"]).toEqual([
      "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    ]);
  });
});
