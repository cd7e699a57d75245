import { expect, it } from "vitest";
import { addServingGroup, aTaskConfig, createAsgYard } from "./testing/yards.ts";

it.each([
  ["unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]"],
  ["unhealthy", "Target.Timeout", "Request timed out"],
  ["unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"],
  ["unused", "Target.InvalidState", "Target is in the stopped state"],
  ["draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"],
  ["initial", "Elb.RegistrationInProgress", "Target registration is in progress"],
])("a release that timed out names the reason [copilot-cli#3772]: %s %s", async (State, Reason, Description) => {
  const yard = createAsgYard();
  await addServingGroup(yard);
  const look = async (proceed: () => Promise<unknown>): Promise<unknown> => {
    yard.world.sim.once("ElasticLoadBalancingV2.DescribeTargetHealth", look as never);
    const answer = (await proceed()) as { TargetHealthDescriptions?: { TargetHealth: object }[] };
    for (const each of answer.TargetHealthDescriptions ?? []) each.TargetHealth = { State, Reason, Description };
    return answer;
  };
  yard.world.sim.once("ElasticLoadBalancingV2.DescribeTargetHealth", look as never);

  const { step } = await yard.run(aTaskConfig({ timeout: 600 }));

  const { items } = await yard.records.list("job-report/", { limit: 10, now: yard.world.clock.now() });
  const line = new RegExp(`target group "\\w+": i-\\w+.* ${State}, ${Reason} `);
  expect(step).toMatchObject({ kind: "failed", message: expect.stringMatching(line) });
  expect(JSON.stringify(items)).toContain(Description.replaceAll('"', "'"));
});
