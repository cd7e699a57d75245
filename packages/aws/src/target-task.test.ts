import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createExecutorContext, createFakeClock, letTimePass } from "@stackyard/core/testing";
import { createLambdaExecutor } from "@stackyard/executor-lambda";
import { describe, expect, it } from "vitest";
import { createAwsAccess } from "./aws-access.ts";

const HUB = "111122223333";
const SPOKE = "444455556666";
const target = { account: SPOKE, region: "eu-west-1", partition: "aws", role: "deployer" };

/** The function `make-db` in the hub's and the spoke's account, and a runner in the hub. */
function createWorld() {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  for (const account of [HUB, SPOKE]) {
    sim.lambda.addFunction({ account, region: "eu-west-1", name: "make-db", handler: () => ({ account }) });
  }
  sim.iam.addRole({ account: SPOKE, name: "deployer", trusts: [HUB], allow: ["lambda:InvokeFunction"] });
  const credentials = sim.iam.addUser({ account: HUB, name: "runner" });
  const access = createAwsAccess({
    clock,
    credentials,
    region: "eu-west-1",
    session: { name: "runner" },
    plugins: [createSimPlugin(sim)],
  });
  const run = (of?: typeof target) => {
    const aws = {
      aws: (client) => access.client(client, of),
      credentials: () => access.credentials(of),
    } as const satisfies Parameters<typeof createExecutorContext>[0];
    return createLambdaExecutor({ mode: "aws" }).start(createExecutorContext(aws), { name: "make-db" } as never);
  };
  return { run, sim, clock };
}

describe("a task", () => {
  it("with a target works in the target's account, one without in the runner's own", async () => {
    const { run } = createWorld();

    expect(await run(target)).toEqual({ kind: "succeeded", outputs: { account: SPOKE } });
    expect(await run()).toEqual({ kind: "succeeded", outputs: { account: HUB } });
  });

  it("whose role may not be assumed fails with what is to be allowed", async () => {
    const { run, clock } = createWorld();

    // A denial is repeated for two minutes, because the role may be new.
    const ended = await letTimePass(clock, Promise.resolve(run({ ...target, role: "unknown" })));

    expect(ended).toMatchObject({
      kind: "failed",
      message: expect.stringContaining(`The role arn:aws:iam::${SPOKE}:role/unknown could not be assumed.`),
    });
  });
});
