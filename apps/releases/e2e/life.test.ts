import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Account, startAccount } from "./an-account.ts";

let account: Account;

beforeAll(async () => {
  account = await startAccount();
});
afterAll(() => account.stop());

describe("the function, in processes of its own", () => {
  it("takes a release from state to state", { tags: "app" }, async () => {
    const { status, path } = await account.release("release-1");

    expect(status).toBe("SUCCEEDED");
    expect(path.slice(0, 7)).toEqual([
      ...["Validate", "Lock", "ValidateResources", "Deploy", "WaitForDeploy", "WaitForHealthy", "CheckHealthy"],
    ]);
    expect(path.slice(-4)).toEqual(["DetachForSuccess", "WaitDetachForSuccess", "CleanUpSuccess", "Success"]);
    expect(account.standing()).toEqual(["release-1"]);
  });

  it("refuses a release id that was used", async () => {
    const { status, path } = await account.release("release-1");

    expect([status, path]).toEqual(["FailureClean", ["Validate", "Lock", "FailureClean"]]);
    expect(account.standing()).toEqual(["release-1"]);
  });
});

describe("a process that is killed", () => {
  it.each([
    ["checks health", "elasticloadbalancing", "DescribeTargetHealth", "before"],
    ["detaches the old group", "autoscaling", "DetachLoadBalancerTargetGroups", "after"],
    ["deletes the old group", "autoscaling", "DeleteAutoScalingGroup", "after"],
  ] as const)("while it %s is followed by one that resumes its work", async (_, service, action, when) => {
    const { door, lambda, release, standing } = account;
    const id = `release-killed-${action}`;
    const held = door.hold((request) => request.service === service && isAction(request.body, action), when);
    const ended = release(id);

    await held;
    expect(lambda.killBusy()).toBeGreaterThan(0);

    expect((await ended).status).toBe("SUCCEEDED");
    expect(standing()).toEqual([id]);
  });

  it("while it creates a group leaves nothing behind, and the old group serves on", async () => {
    const { door, lambda, release, standing, sim } = account;
    const before = standing();
    const held = door.hold(({ body }) => isAction(body, "CreateAutoScalingGroup"), "after");
    const ended = release("release-killed-create");

    await held;
    expect(lambda.killBusy()).toBeGreaterThan(0);

    const { status, path } = await ended;
    expect([status, path.slice(-5)]).toEqual([
      "FailureClean",
      ["DetachForFailure", "WaitDetachForFailure", "CleanUpFailure", "ReleaseLockFailure", "FailureClean"],
    ]);
    expect(standing()).toEqual(before);
    expect(sim.cloudWatch.findAlarms("111122223333", "eu-west-1")).toHaveLength(1);
  });
});

function isAction(body: Buffer, action: string): boolean {
  return new URLSearchParams(body.toString()).get("Action") === action;
}
