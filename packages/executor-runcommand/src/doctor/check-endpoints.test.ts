import { describe, expect, it } from "vitest";
import { anId } from "../testing/a-run.ts";
import { silentFacts, someFacts } from "../testing/some-instance-facts.ts";
import { checkEndpoints } from "./check-endpoints.ts";
import type { InstanceFacts } from "./fleet-facts.ts";

function check(instances: readonly InstanceFacts[], services: readonly string[] | undefined) {
  const endpoints = services && new Map([["vpc-1", new Set(services)]]);
  return checkEndpoints({ instances, endpoints, profiles: new Map() });
}

describe("checkEndpoints", () => {
  it("is content with ssm, ssmmessages and s3", () => {
    expect(check([someFacts(1)], ["ssm", "ssmmessages", "s3", "logs"])).toMatchObject([{ status: "ok" }]);
  });

  it("asks for ec2messages where an agent is old", () => {
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
