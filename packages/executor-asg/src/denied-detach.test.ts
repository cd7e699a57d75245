import { SimFault } from "@stackyard/aws-sim";
import { expect, it } from "vitest";
import { addServingGroup, aTaskConfig, createAsgYard } from "./testing/yards.ts";

it("a release that may not detach the old group ends dirty, and deletes nothing [machine-api-operator#835]", async () => {
  const yard = createAsgYard();
  await addServingGroup(yard);
  const { sim } = yard.world;
  for (const operation of ["DetachLoadBalancerTargetGroups", "DetachLoadBalancers"]) {
    const deny = (): Promise<never> => {
      sim.once(`AutoScaling.${operation}`, deny);
      return Promise.reject(new SimFault("AccessDenied", 403, `not authorized to perform: autoscaling:${operation}`));
    };
    sim.once(`AutoScaling.${operation}`, deny);
  }

  const { step } = await yard.run(aTaskConfig());

  expect(step).toMatchObject({
    kind: "failed",
    message: expect.stringMatching(/The role may lack autoscaling:Detach.* Nothing was deleted/s),
  });
  expect(step).toMatchObject({ outputs: { dirty: true } });
  expect(sim.calls.filter(({ operation }) => operation === "AutoScaling.DeleteAutoScalingGroup")).toEqual([]);
});

it("EC2's throttle is not called a quota [bosh-aws-cpi-release#61]", async () => {
  const yard = createAsgYard();
  await addServingGroup(yard);
  const throttle = (): Promise<never> => {
    yard.world.sim.once("EC2.CreateLaunchTemplate", throttle);
    return Promise.reject(new SimFault("RequestLimitExceeded", 503, "Request limit exceeded."));
  };
  yard.world.sim.once("EC2.CreateLaunchTemplate", throttle);

  const { step } = await yard.run(aTaskConfig());

  expect(step).toMatchObject({ kind: "failed", message: expect.stringContaining("RequestLimitExceeded") });
  expect(step).toMatchObject({ message: expect.stringContaining("Try again later with fewer simultaneous calls.") });
  expect(JSON.stringify(step)).not.toContain("quota");
});
