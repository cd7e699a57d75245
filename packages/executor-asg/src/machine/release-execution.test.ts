import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { HEALTHY, type Script, walkRelease } from "../testing/walk-release.ts";
import { RELEASE_MACHINES } from "./release-machine.ts";
import { toReleaseStateMachine } from "./release-state-machine.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };
const ARN = `arn:aws:lambda:${PLACE.region}:${PLACE.account}:function:releases`;

/** Runs an execution in a simulated account, by its clock. */
async function execute(script: Script) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const visits = new Map<string, number>();
  const handler = ({ Task, Input }: { Task: string; Input: object }) => {
    const visit = visits.get(Task) ?? 0;
    visits.set(Task, visit + 1);
    const said = Object.entries(script).find(([state]) => state === Task)?.[1]?.[visit];
    if (typeof said === "string") throw Object.assign(new Error(`${Task} has failed`), { name: said });
    return { ...Input, ...said };
  };
  sim.lambda.addFunction({ ...PLACE, name: "releases", handler: handler as never });
  const definition = toReleaseStateMachine({ functionArn: ARN, retryInvocations: true });
  const stateMachineArn = sim.stepFunctions.addStateMachine({ ...PLACE, name: "releases", definition });
  const credentials = sim.iam.addUser({ account: PLACE.account, name: "app" });
  const sfn = new SFNClient({ region: PLACE.region, credentials });
  sfn.middlewareStack.use(createSimPlugin(sim) as never);
  await sfn.send(new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(HEALTHY) }));
  await clock.advance(3_600_000);
  const [execution] = sim.stepFunctions.executions;
  const { startedAt = 0, stoppedAt = 0, status, error } = execution ?? {};
  return { status, error, seconds: (stoppedAt - startedAt) / 1_000 };
}

function foresee(script: Script) {
  const { pauses, end } = walkRelease(RELEASE_MACHINES.odin, script);
  const seconds = pauses.reduce((sum, pause) => sum + pause, 0);
  return end === "Success"
    ? { status: "SUCCEEDED", error: undefined, seconds }
    : { status: "FAILED", error: end, seconds };
}

describe("an execution of a release", () => {
  it.each([
    ["all is well", {}],
    ["it takes some looks", { Deploy: [{ healthy: false }], CheckHealthy: [{}, {}, { healthy: true }] }],
    ["the document is bad", { Validate: ["BadReleaseError"] }],
    ["it is halted", { CheckHealthy: ["HaltError"] }],
    ["looks fail for a while", { CheckHealthy: ["HealthError", "HealthError", "HealthError"] }],
    ["old groups let go late", { DetachForSuccess: Array(7).fill("DetachError") }],
    ["old groups never let go", { DetachForSuccess: Array(61).fill("DetachError") }],
    ["new groups cannot be taken away", { Deploy: ["DeployError"], CleanUpFailure: Array(4).fill("CleanUpError") }],
  ] as const)("takes as long and ends as the table says when %s", async (_name, script) => {
    expect(await execute(script)).toEqual(foresee(script));
  });
});
