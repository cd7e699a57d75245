import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { aSimFleet } from "./testing/a-sim-fleet.ts";

const config = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };

// terraform-aws-control_tower_account_factory#177, aws-cdk#37939: the first calls of a role that was made with the stack.
describe("a runner whose role is seconds old", () => {
  it("sends its commands when the role is known", async () => {
    const fleet = aSimFleet({ iamDelayMs: 20_000 });
    fleet.addMany(3);

    const { step, elapsedMs } = await fleet.run(config);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { selected: 3, succeeded: 3 } });
    expect(elapsedMs).toBeGreaterThan(20_000);
  });

  it.each([
    [1, "succeeded"],
    [10, "failed"],
  ])("is watched on while commands run and %i calls are denied: %s", async (times, kind) => {
    const fleet = aSimFleet();
    fleet.addMany(1);
    fleet.sim.ssm.script("*", { runsForMs: 200_000 });
    for (let denied = 0; denied < times; denied += 1)
      fleet.sim.once("SSM.ListCommandInvocations", () => {
        throw new SimFault("AccessDeniedException", 400, "Not authorized.");
      });

    expect((await fleet.run(config)).step.kind).toBe(kind);
  });

  it("reports the missing right when the role stays denied", async () => {
    const fleet = aSimFleet({ iamDelayMs: Number.POSITIVE_INFINITY });
    fleet.addMany(1);

    const { step } = await fleet.run(config);

    expect(step).toMatchObject({
      kind: "failed",
      code: "ACCESS_DENIED",
      message: expect.stringContaining("The role may lack ec2:DescribeInstances"),
    });
  });
});
