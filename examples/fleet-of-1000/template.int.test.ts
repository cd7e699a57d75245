import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inventory, parseInstanceEvent, parseUserParameters, selectInstances } from "@stackyard/executor-runcommand";
import { toArtifactPrefix } from "@stackyard/executor-runcommand/fleet";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const text = readFileSync(join(import.meta.dirname, "template.yaml"), "utf8");
const template = parse(text);
const resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Record<string, never> }>> =
  template.Resources;
const fleetAction = Object(resources["Pipeline"]).Properties.Stages[1].Actions[0];

/** The names in `Ref`, `Fn::GetAtt` and `Fn::Sub`. */
function listReferences(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(listReferences);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => {
    if (key === "Ref") return [String(each)];
    if (key === "Fn::GetAtt" && Array.isArray(each)) return [String(each[0])];
    if (key === "Fn::Sub") return [...String(each).matchAll(/\$\{([\w:]+)/g)].map(([, name = ""]) => name);
    return listReferences(each);
  });
}

describe("the template", () => {
  it("refers to nothing that is not there", () => {
    const known = new Set([...Object.keys(template.Parameters), ...Object.keys(resources)]);
    const names = listReferences(template).filter((name) => !name.startsWith("AWS::"));

    expect(names.filter((name) => !known.has(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(15);
  });

  it("uses every parameter", () => {
    const names = new Set(listReferences(template));

    expect(Object.keys(template.Parameters).filter((name) => !names.has(name))).toEqual([]);
  });

  it("has two groups whose tags make them part of the fleet, and give them roles", () => {
    const groups = Object.values(resources).filter(({ Type }) => Type === "AWS::AutoScaling::AutoScalingGroup");
    const instances = groups.map(({ Properties }, index) => {
      const tags: readonly { Key: string; Value: string; PropagateAtLaunch: boolean }[] = Object(Properties).Tags;
      expect(tags.every(({ PropagateAtLaunch }) => PropagateAtLaunch)).toBe(true);
      const known = tags.map(({ Key: key, Value: value }) => ({ key, value }));
      return { instanceId: `i-0000000000000000${index}`, state: "running", tags: known };
    });

    expect(selectInstances(instances).selected.length).toBe(2);
    expect(instances.map(({ tags }) => inventory(tags[1]?.value ?? ""))).toMatchObject([
      { roles: ["webserver", "appserver"] },
      { roles: ["dbserver"] },
    ]);
  });

  it("gives the action parameters that the fleet app takes", () => {
    const { FunctionName, UserParameters } = fleetAction.Configuration;

    expect(parseUserParameters(UserParameters)).toMatchObject({ kind: "options", options: { profile: "garlc-1" } });
    expect(FunctionName).toEqual({ Ref: "FleetFunctionName" });
  });

  it("lets instances read the pipeline's own artifacts, and nothing else in the bucket", () => {
    const { Name } = Object(resources["Pipeline"]).Properties;
    const [{ Name: artifact }] = fleetAction.InputArtifacts;

    expect(JSON.stringify(resources["InstanceRole"])).toContain(
      `\${ArtifactBucket.Arn}/${toArtifactPrefix(Name, artifact)}*`,
    );
  });

  it("has a rule for what the fleet app considers", () => {
    const { EventPattern } = Object(resources["BootRule"]).Properties;
    const event = {
      source: EventPattern.source[0],
      "detail-type": EventPattern["detail-type"][0],
      detail: { state: EventPattern.detail.state[0], "instance-id": "i-00000000000000001" },
    };

    expect(parseInstanceEvent(event)).toMatchObject({ kind: "consider" });
  });

  it("allows no action by an asterisk", () => {
    const actions = [...text.matchAll(/Action: \[([^\]]*)\]/g)].flatMap(([, list = ""]) => list.split(", "));

    expect(actions.filter((action) => action.includes("*"))).toEqual([]);
    expect(actions.length).toBeGreaterThan(6);
  });
});
