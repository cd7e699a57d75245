import { type FleetFinding, findingOf } from "./finding.ts";
import { type FleetFacts, type InstanceFacts, isOnline, type ProfileFacts } from "./fleet-facts.ts";

const HINT =
  "Attach the policy AmazonSSMManagedInstanceCore to the role of the profile, and allow s3:GetObject on the artifacts.";

/** Whether instances have a profile whose role may do what agent and document need. */
export function checkProfiles({ instances, profiles }: FleetFacts): readonly FleetFinding[] {
  const byProfile = Map.groupBy(instances, ({ profileArn }) => profileArn);
  return [...byProfile].flatMap(([arn, members]) => {
    if (arn === undefined) return checkWithout(members);
    return checkProfile(arn, members, profiles.get(arn) ?? { kind: "unknown", why: "Nobody has looked." });
  });
}

/** Default host management gives agents a role without a profile, but nothing to read artifacts with. */
function checkWithout(members: readonly InstanceFacts[]): readonly FleetFinding[] {
  const status = members.every(isOnline) ? "warn" : "fail";
  return findingOf(members, { check: "profiles", status, message: "There is no instance profile", hint: HINT });
}

function checkProfile(arn: string, members: readonly InstanceFacts[], facts: ProfileFacts): readonly FleetFinding[] {
  if (facts.kind === "unknown") {
    const hint =
      "Allow iam:GetInstanceProfile and iam:SimulatePrincipalPolicy, or look at the role's policies yourself.";
    return [{ check: "profiles", status: "warn", message: `${arn} could not be judged. ${facts.why}`, hint }];
  }
  if (facts.denied.length === 0) return [{ check: "profiles", status: "ok", message: `${arn} may do what is needed.` }];
  // Agents that are online have been let in, by whatever the simulation of IAM does not see.
  const isHarmless = members.every(isOnline) && facts.denied.every((action) => action.startsWith("ssm"));
  const message = `${arn} may not ${facts.denied.join(", ")}`;
  return findingOf(members, { check: "profiles", status: isHarmless ? "warn" : "fail", message, hint: HINT });
}
