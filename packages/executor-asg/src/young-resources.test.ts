import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { addServingGroup, aTaskConfig, createAsgYard } from "./testing/yards.ts";

type Yard = ReturnType<typeof createAsgYard>;

/** Refuses the creation of groups for so long. */
function refuseGroups({ world: { sim, clock } }: Yard, message: string, ms: number): void {
  const until = clock.now() + ms;
  const behave = (proceed: () => Promise<unknown>): Promise<unknown> => {
    if (clock.now() >= until) return proceed();
    sim.once("AutoScaling.CreateAutoScalingGroup", behave);
    return Promise.reject(new SimFault("ValidationError", 400, message));
  };
  sim.once("AutoScaling.CreateAutoScalingGroup", behave);
}

const INVALID = "You must use a valid fully-formed launch template.";

/** What Auto Scaling says about a profile, a role or a template that is some seconds old. */
const PASSING = [
  [
    "terraform-provider-aws#5217",
    `${INVALID} Value (web) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`,
  ],
  [
    "terraform-provider-aws#24910",
    `${INVALID} Value (arn:aws:iam::012345678901:instance-profile/web) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN`,
  ],
  [
    "eksctl#8039",
    `${INVALID} Value (eks-88c9a977) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`,
  ],
  ["kops#35", "Invalid IamInstanceProfile: nodes.example.com"],
  ["kops#35", "You are not authorized to perform this operation."],
  [
    "aws-cdk#1212",
    "Unable to publish test message to notification target arn:aws:sns:eu-west-1:111122223333:hooks using IAM role arn:aws:iam::111122223333:role/hooks. Please check your target and role configuration and try to put lifecycle hook again.",
  ],
  ["terraform-provider-aws#5633", "The specified launch template, with template ID lt-1, does not exist."],
] as const;

describe("a group whose profile or role is seconds old", () => {
  it.each(PASSING)("is created when that is known [%s]: %s", async (_report, message) => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    refuseGroups(yard, message, 45_000);

    const { step } = await yard.run(aTaskConfig());

    expect(step).toMatchObject({ kind: "succeeded" });
  });

  it.each(PASSING.slice(0, 1))("is given up after two minutes, with what AWS said [%s]", async (_report, message) => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    refuseGroups(yard, message, Number.POSITIVE_INFINITY);

    const before = await yard.standing();

    const { step, elapsedMs } = await yard.run(aTaskConfig());

    // karpenter-provider-aws#8686: templates of groups that were never created used up the quota.
    expect(await yard.standing()).toEqual(before);
    expect(step).toMatchObject({ kind: "failed", code: "DEPLOY_FAILED", outputs: { dirty: false } });
    expect(step).toMatchObject({ message: expect.stringContaining("Invalid IAM Instance Profile name") });
    expect(elapsedMs).toBeGreaterThan(110_000);
    expect(elapsedMs).toBeLessThan(400_000);
  });

  it("that is refused for another reason is not tried again", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    refuseGroups(yard, "Max size must not be less than min size.", Number.POSITIVE_INFINITY);

    await yard.run(aTaskConfig());

    const calls = yard.world.sim.calls.filter(({ operation }) => operation === "AutoScaling.CreateAutoScalingGroup");
    expect(calls.length).toBeLessThanOrEqual(1);
  });
});
