import { describe, expect, it } from "vitest";
import { anId } from "../testing/a-run.ts";
import { silentFacts, someFacts } from "../testing/some-instance-facts.ts";
import { checkAgents, needsEc2Messages } from "./check-agents.ts";

describe("checkAgents", () => {
  it("tells how many are online, and their versions", () => {
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
