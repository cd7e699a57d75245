import type { CommandOutput } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import type { FleetFinding } from "../doctor/finding.ts";
import type { DoctorPlace } from "../doctor/open-doctor-aws.ts";
import { type Answers, aDoctorWorld, refusal } from "../testing/a-doctor-world.ts";
import { createFleetDoctor } from "./fleet-doctor.ts";

const ID = "i-0123456789abcdef0";
const PROFILE = "arn:aws:iam::111122223333:instance-profile/path/fleet";
const ROLE = "arn:aws:iam::111122223333:role/fleet";
const well: Answers = {
  DescribeInstances: {
    Reservations: [
      {
        Instances: [
          {
            InstanceId: ID,
            VpcId: "vpc-1",
            IamInstanceProfile: { Arn: PROFILE },
            MetadataOptions: { HttpEndpoint: "enabled", HttpTokens: "required" },
          },
        ],
      },
    ],
  },
  DescribeInstanceInformation: {
    InstanceInformationList: [{ InstanceId: ID, PingStatus: "Online", AgentVersion: "3.3.2746.0" }],
  },
  DescribeVpcEndpoints: {
    VpcEndpoints: ["ssm", "ssmmessages", "s3"].map((name) => ({
      VpcId: "vpc-1",
      ServiceName: `com.amazonaws.eu-west-1.${name}`,
    })),
  },
  GetInstanceProfile: { InstanceProfile: { Roles: [{ Arn: ROLE }] } },
  SimulatePrincipalPolicy: { EvaluationResults: [] },
};

async function doctor(answers: Answers, args: Record<string, unknown> = {}) {
  const world = aDoctorWorld(answers);
  const findings: FleetFinding[] = [];
  const texts: string[] = [];
  const places: DoctorPlace[] = [];
  const out: CommandOutput = {
    result: (value, toText) => {
      findings.push(value as FleetFinding);
      texts.push(toText());
    },
    progress: () => undefined,
    note: () => undefined,
  };
  const command = createFleetDoctor((place) => {
    places.push(place);
    return world.aws;
  });
  const { signal } = new AbortController();
  const context = { cwd: "/", projectDir: "/", dataDir: "/", environment: {}, yards: {}, server: { url: "" } };
  const exitCode = await command.run({ ...context, out, signal }, args);
  return { exitCode, findings, texts, places, calls: world.calls };
}

describe("fleet doctor", () => {
  it("finds nothing wrong with a fleet that is well", async () => {
    const { exitCode, findings, texts } = await doctor(well);

    expect(exitCode).toBe(0);
    expect(findings.map(({ check, status }) => [check, status])).toEqual([
      ["instances", "ok"],
      ["agents", "ok"],
      ["profiles", "ok"],
      ["endpoints", "ok"],
      ["metadata", "ok"],
    ]);
    expect(texts[0]).toBe("ok    instances  1 run and have the tag.");
  });

  it("looks for exactly the selection's instances, and simulates the reading of the artifact", async () => {
    const { calls } = await doctor(well, { tagKey: "Role", tagValue: ["w*b"], artifact: "s3://builds/site/app.zip" });

    expect(calls).toContainEqual({
      name: "DescribeInstances",
      input: {
        Filters: [
          { Name: "tag:Role", Values: [String.raw`w\*b`] },
          { Name: "instance-state-name", Values: ["running"] },
        ],
        MaxResults: 1_000,
      },
    });
    expect(calls).toContainEqual({ name: "GetInstanceProfile", input: { InstanceProfileName: "fleet" } });
    expect(calls.filter(({ name }) => name === "SimulatePrincipalPolicy")).toMatchObject([
      { input: { PolicySourceArn: ROLE, ActionNames: expect.arrayContaining(["ssm:UpdateInstanceInformation"]) } },
      { input: { ActionNames: ["s3:GetObject"], ResourceArns: ["arn:aws:s3:::builds/site/app.zip"] } },
    ]);
  });

  it("ends with 1 when something cannot work, and says what to do", async () => {
    const { exitCode, findings, texts } = await doctor({ ...well, DescribeInstanceInformation: {} });

    expect(exitCode).toBe(1);
    expect(findings).toContainEqual(expect.objectContaining({ check: "agents", status: "fail", instanceIds: [ID] }));
    expect(texts.join("\n")).toContain("Install amazon-ssm-agent");
  });

  it("warns of what it may not see", async () => {
    const denied = refusal("UnauthorizedOperation");
    const { exitCode, findings } = await doctor({ ...well, DescribeVpcEndpoints: denied, GetInstanceProfile: denied });

    expect(exitCode).toBe(0);
    expect(findings.filter(({ status }) => status === "warn").map(({ check }) => check)).toEqual([
      "profiles",
      "endpoints",
    ]);
  });

  it("fails when instances cannot be listed, and when there are none", async () => {
    expect(await doctor({ ...well, DescribeInstances: refusal("UnauthorizedOperation") })).toMatchObject({
      exitCode: 1,
      findings: [{ check: "instances", message: expect.stringContaining("could not be listed") }],
    });
    expect(await doctor({ ...well, DescribeInstances: {} })).toMatchObject({
      exitCode: 1,
      findings: [{ check: "instances", status: "fail", hint: expect.any(String) }],
    });
  });

  it("looks where it is told", async () => {
    expect((await doctor(well)).places).toEqual([{}]);
    expect((await doctor(well, { region: "eu-west-1" })).places).toEqual([{ region: "eu-west-1" }]);
    const place = { account: "111122223333", region: "eu-west-1", role: "reader" };
    expect((await doctor(well, place)).places).toEqual([place]);
  });

  it.each([{ account: "111122223333" }, { role: "reader" }, { artifact: "builds/site.zip" }, { tagKey: 1 }])(
    "refuses %j",
    async (args) => {
      await expect(doctor(well, args)).rejects.toMatchObject({ code: "USAGE" });
    },
  );
});
