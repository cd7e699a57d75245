import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandOutput, checkArgs } from "@stackyard/core";
import { readPageCommands } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { type Answers, aDoctorWorld, refusal } from "../testing/a-doctor-world.ts";
import { anId } from "../testing/a-run.ts";
import { silentFacts, someFacts } from "../testing/some-instance-facts.ts";
import {
  checkAgents,
  checkEndpoints,
  checkMetadata,
  checkProfiles,
  compareVersions,
  type FleetFinding,
  type InstanceFacts,
  needsEc2Messages,
  type ProfileFacts,
} from "./check-fleet.ts";
import { createFleetDoctor } from "./fleet-doctor.ts";
import type { DoctorPlace } from "./load-fleet-facts.ts";

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
  const exitCode = await command.run({ ...context, out, signal }, checkArgs(command, args));
  return { exitCode, findings, texts, places, calls: world.calls };
}

describe("fleet doctor", () => {
  it("is shown by docs/fleet.md as it works", async () => {
    const page = readFileSync(join(import.meta.dirname, "../../../../docs/fleet.md"), "utf8");
    const shown = readPageCommands(page, [createFleetDoctor()]);

    const runs = await Promise.all(shown.map(({ args }) => doctor(well, args)));

    expect(runs.map(({ exitCode, texts }) => [exitCode, ...texts])).toEqual([
      [0, ...Array.from({ length: 5 }, () => expect.stringMatching(/^ok {4}/))],
    ]);
  });

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
    expect(texts[0]).toBe("ok    instances       1 run and have the tag.");
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

  it("fails when instances cannot be listed, and without instances", async () => {
    expect(await doctor({ ...well, DescribeInstances: refusal("UnauthorizedOperation") })).toMatchObject({
      exitCode: 1,
      findings: [{ check: "instances", message: expect.stringContaining("could not be listed") }],
    });
    expect(await doctor({ ...well, DescribeInstances: {} })).toMatchObject({
      exitCode: 1,
      findings: [{ check: "instances", status: "fail", hint: expect.any(String) }],
    });
  });

  it("checks the given account and region", async () => {
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

describe("checkAgents", () => {
  it("reports how many are online, and their versions", () => {
    const older = someFacts(2, { agent: { pingStatus: "Online", agentVersion: "3.3.40.0" } });

    expect(checkAgents([someFacts(1), older])).toEqual([
      { check: "agents", status: "ok", message: "2 online, versions 3.3.40.0 to 3.3.2746.0." },
    ]);
  });

  it("fails for agents that never registered and for those that are silent", () => {
    const lost = someFacts(2, { agent: { pingStatus: "ConnectionLost" } });

    expect(checkAgents([silentFacts(1), lost])).toMatchObject([
      { status: "fail", message: `The agent has never registered: ${anId(1)}.`, instanceIds: [anId(1)] },
      { status: "fail", message: `The agent is not online: ${anId(2)}.`, hint: expect.any(String) },
    ]);
  });

  it("warns of agents that still need ec2messages", () => {
    const old = someFacts(1, { agent: { pingStatus: "Online", agentVersion: "3.3.39.1" } });

    expect(needsEc2Messages(old)).toBe(true);
    expect(checkAgents([old])).toMatchObject([{ status: "ok" }, { status: "warn", instanceIds: [anId(1)] }]);
  });

  it("names five instances, and how many more there are", () => {
    const many = Array.from({ length: 7 }, (_, number) => silentFacts(number));

    expect(checkAgents(many)).toMatchObject([
      { message: expect.stringMatching(/(i-\w+, ){4}i-\w+ and 2 more\.$/), instanceIds: { length: 7 } },
    ]);
  });
});

function check(instances: readonly InstanceFacts[], services: readonly string[] | undefined) {
  const endpoints = services && new Map([["vpc-1", new Set(services)]]);
  return checkEndpoints({ instances, endpoints, profiles: new Map() });
}

describe("checkEndpoints", () => {
  it("is content with ssm, ssmmessages and s3", () => {
    expect(check([someFacts(1)], ["ssm", "ssmmessages", "s3", "logs"])).toMatchObject([{ status: "ok" }]);
  });

  it("requires ec2messages for an old agent", () => {
    const old = someFacts(1, { agent: { pingStatus: "ConnectionLost", agentVersion: "3.1.0.0" } });

    expect(check([old], ["ssm", "ssmmessages", "s3"])).toMatchObject([
      { status: "warn", message: expect.stringContaining("no endpoint for ec2messages"), instanceIds: [anId(1)] },
    ]);
  });

  it("warns where agents without a public address are silent and endpoints are missing", () => {
    expect(check([someFacts(1), silentFacts(2)], ["s3"])).toMatchObject([
      { status: "warn", message: expect.stringContaining("ssm, ssmmessages"), instanceIds: [anId(2)] },
    ]);
  });

  it("accepts another way, such as a NAT gateway, where all are online", () => {
    expect(check([someFacts(1)], [])).toMatchObject([
      { status: "ok", message: expect.stringContaining("another way") },
    ]);
  });

  it("leaves instances with a public address alone", () => {
    expect(check([silentFacts(1, { hasPublicAddress: true })], [])).toEqual([]);
  });

  it("says that it may not look", () => {
    expect(check([someFacts(1)], undefined)).toMatchObject([
      { status: "warn", hint: expect.stringContaining("Allow") },
    ]);
  });
});

const off = someFacts(1, { metadata: { isEnabled: false, requiresToken: true, showsTags: false } });
const loose = someFacts(2, { metadata: { isEnabled: true, requiresToken: false, showsTags: true } });

describe("checkMetadata", () => {
  it("accepts a service that requires a token", () => {
    expect(checkMetadata([someFacts(1)], { needsTags: false })).toMatchObject([{ status: "ok" }]);
  });

  it("fails where it is off, and warns where it answers without a token", () => {
    expect(checkMetadata([off, loose], { needsTags: false })).toMatchObject([
      { status: "fail", instanceIds: [anId(1)] },
      { status: "warn", instanceIds: [anId(2)], hint: expect.stringContaining("HttpTokens=required") },
    ]);
  });

  it("requires tags if instances read their own", () => {
    expect(checkMetadata([someFacts(3)], { needsTags: true })).toMatchObject([
      { status: "fail", instanceIds: [anId(3)], hint: expect.stringContaining("InstanceMetadataTags") },
    ]);
  });
});

const ARN = "arn:aws:iam::111122223333:instance-profile/fleet";

function checkCheckProfiles(instances: readonly InstanceFacts[], facts: ProfileFacts) {
  return checkProfiles({ instances, endpoints: undefined, profiles: new Map([[ARN, facts]]) });
}

function withoutProfile({ profileArn: _, ...facts }: InstanceFacts): InstanceFacts {
  return facts;
}

describe("checkProfiles", () => {
  it("reports each profile once", () => {
    expect(checkCheckProfiles([someFacts(1), someFacts(2)], { kind: "known", denied: [] })).toEqual([
      { check: "profiles", status: "ok", message: `${ARN} may do what is needed.` },
    ]);
  });

  it("fails for permissions that agents or readers of artifacts lack", () => {
    const denied: ProfileFacts = { kind: "known", denied: ["ssm:UpdateInstanceInformation"] };

    expect(checkCheckProfiles([silentFacts(1)], denied)).toMatchObject([
      { status: "fail", message: expect.stringContaining("may not ssm:UpdateInstanceInformation") },
    ]);
    expect(checkCheckProfiles([someFacts(1)], denied)).toMatchObject([{ status: "warn" }]);
    expect(checkCheckProfiles([someFacts(1)], { kind: "known", denied: ["s3:GetObject"] })).toMatchObject([
      { status: "fail" },
    ]);
  });

  it("fails for instances without a profile, unless something else lets their agents in", () => {
    const known: ProfileFacts = { kind: "known", denied: [] };

    expect(checkCheckProfiles([withoutProfile(silentFacts(1))], known)).toMatchObject([{ status: "fail" }]);
    expect(checkCheckProfiles([withoutProfile(someFacts(1))], known)).toMatchObject([{ status: "warn" }]);
  });

  it("says why it cannot judge", () => {
    expect(checkCheckProfiles([someFacts(1)], { kind: "unknown", why: "No." })).toMatchObject([
      { status: "warn", message: `${ARN} could not be judged. No.` },
    ]);
  });
});

describe("compareVersions", () => {
  it.each([
    ["3.3.40.0", "3.3.40.0", 0],
    ["3.3.40", "3.3.40.0", 0],
    ["3.3.39.9", "3.3.40.0", -1],
    ["3.10.0.0", "3.9.9.9", 1],
    ["2.9", "10.0", -1],
  ])("compares %s with %s by numbers", (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
  });
});
