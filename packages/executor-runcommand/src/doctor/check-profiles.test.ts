import { describe, expect, it } from "vitest";
import { silentFacts, someFacts } from "../testing/some-instance-facts.ts";
import { checkProfiles } from "./check-profiles.ts";
import type { InstanceFacts, ProfileFacts } from "./fleet-facts.ts";

const ARN = "arn:aws:iam::111122223333:instance-profile/fleet";

function check(instances: readonly InstanceFacts[], facts: ProfileFacts) {
  return checkProfiles({ instances, endpoints: undefined, profiles: new Map([[ARN, facts]]) });
}

function withoutProfile({ profileArn: _, ...facts }: InstanceFacts): InstanceFacts {
  return facts;
}

describe("checkProfiles", () => {
  it("tells each profile once", () => {
    expect(check([someFacts(1), someFacts(2)], { kind: "known", denied: [] })).toEqual([
      { check: "profiles", status: "ok", message: `${ARN} may do what is needed.` },
    ]);
  });

  it("fails for what is denied to agents that are silent, and to whoever reads artifacts", () => {
    const denied: ProfileFacts = { kind: "known", denied: ["ssm:UpdateInstanceInformation"] };

    expect(check([silentFacts(1)], denied)).toMatchObject([
      { status: "fail", message: expect.stringContaining("may not ssm:UpdateInstanceInformation") },
    ]);
    expect(check([someFacts(1)], denied)).toMatchObject([{ status: "warn" }]);
    expect(check([someFacts(1)], { kind: "known", denied: ["s3:GetObject"] })).toMatchObject([{ status: "fail" }]);
  });

  it("fails for instances without a profile, unless something else lets their agents in", () => {
    const known: ProfileFacts = { kind: "known", denied: [] };

    expect(check([withoutProfile(silentFacts(1))], known)).toMatchObject([{ status: "fail" }]);
    expect(check([withoutProfile(someFacts(1))], known)).toMatchObject([{ status: "warn" }]);
  });

  it("says why it cannot judge", () => {
    expect(check([someFacts(1)], { kind: "unknown", why: "No." })).toMatchObject([
      { status: "warn", message: `${ARN} could not be judged. No.` },
    ]);
  });
});
