import { readFileSync } from "node:fs";
import { join } from "node:path";
import { synthesizeTemplates } from "@stackyard/cdk";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const page = readFileSync(join(import.meta.dirname, "../../../docs/aws-organization.md"), "utf8");
const role = parse(/^```yaml fragment\n(AWSTemplate.*?)^```$/ms.exec(page)?.[1] ?? "");
const yard = JSON.parse(synthesizeTemplates().find(({ name }) => name === "yard")?.body ?? "{}");
const parameterOf = (name: string) => new RegExp(`--parameter ${name}=(\\S+)`).exec(page)?.[1];
const passedTo = (name: string) => new RegExp(`ParameterKey=${name},ParameterValue=(\\S+)`).exec(page)?.[1];

describe("the role of docs/aws-organization.md", () => {
  it("has the name that the runner may assume, and by which targets without a role find it", () => {
    const { RoleName: name } = role.Resources.Deployer.Properties;

    expect(parameterOf("TargetRole")).toBe(name);
    expect(parameterOf("TargetRoleArns")).toBe(`arn:aws:iam::*:role/${name}`);
  });

  it("trusts the runner alone, with the external id that the yard sends", () => {
    const [statement, ...others] = role.Resources.Deployer.Properties.AssumeRolePolicyDocument.Statement;

    expect(others).toEqual([]);
    expect(statement).toEqual({
      Effect: "Allow",
      Principal: { AWS: { Ref: "RunnerRoleArn" } },
      Action: "sts:AssumeRole",
      Condition: { StringEquals: { "sts:ExternalId": { Ref: "ExternalId" } } },
    });
    expect(passedTo("ExternalId")).toBe(parameterOf("TargetExternalId"));
    expect(Object.keys(yard.Outputs)).toContain("TaskRunnerRoleArn");
  });

  it("gets every parameter of its template", () => {
    expect(Object.keys(role.Parameters).filter((name) => passedTo(name) === undefined)).toEqual([]);
  });
});

it("counts the alarms that the template of the yard has", () => {
  const alarms = Object.values<{ readonly Type: string }>(yard.Resources).filter(
    ({ Type }) => Type === "AWS::CloudWatch::Alarm",
  );

  expect(page).toContain(`| ${alarms.length} alarms |`);
});
