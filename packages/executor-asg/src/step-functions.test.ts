import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import validate from "asl-validator";
import { StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RELEASE_MACHINES, RELEASE_STATE_NAMES } from "./release-machine.ts";
import { toReleaseStateMachine } from "./step-functions.ts";
import { HEALTHY, type Script, walkRelease } from "./testing/release-world.ts";

const ARN = "arn:aws:lambda:eu-west-1:111122223333:function:releases";
const GENERATIONS = ["odin", "step-asg-deployer"] as const;
type Generation = (typeof GENERATIONS)[number];

interface Call {
  readonly Task: string;
  readonly Input: Readonly<Record<string, unknown>>;
}

/** Runs the definition; each visit of a task is answered as the script says. */
async function run(
  script: Script,
  { generation = "odin", input = {} }: { generation?: Generation; input?: object } = {},
) {
  const { States, ...rest } = toReleaseStateMachine({ functionArn: ARN, generation });
  const names = Object.keys(States);
  const calls: Call[] = [];
  const visits = new Map<string, number>();
  const pathOfTasks: string[] = [];
  const serve = (name: string) => async (call: Call) => {
    calls.push(call);
    pathOfTasks.push(name);
    const visit = visits.get(name) ?? 0;
    visits.set(name, visit + 1);
    const said = Object.entries(script).find(([state]) => state === name)?.[1]?.[visit];
    if (typeof said === "string") throw Object.assign(new Error(`${name} has failed`), { name: said });
    return { ...call.Input, ...said };
  };
  const zeros = Object.fromEntries(names.map((name) => [name, 0]));
  const machine = new StateMachine({ States, ...rest } as unknown as StateMachineDefinition, {
    validationOptions: { noValidate: true },
  });
  const { result, eventLogs } = machine.run({ ...HEALTHY, ...input }, {
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(names.map((name) => [name, serve(name)])),
      waitTimeOverrides: zeros,
      retryIntervalOverrides: zeros,
    },
  } as never);
  const output: unknown = await result.catch((error: unknown) => error);
  const path = await readPath(eventLogs);
  return { path, calls, output };
}

/** Every entry of a state, and every retry of one. */
async function readPath(events: AsyncGenerator<object>): Promise<readonly string[]> {
  const path: string[] = [];
  for await (const event of events) {
    const { type, state } = Object(event);
    if (type === "StateEntered" || type === "StateRetried") path.push(String(state.name));
  }
  return path;
}

async function expectSamePath(script: Script, generation: Generation): Promise<void> {
  const { path, output } = await run(script, { generation });
  const walked = walkRelease(RELEASE_MACHINES[generation], script);

  expect(path).toEqual(walked.path);
  expect(output instanceof Error).toBe(walked.end !== "Success");
}

describe.each(GENERATIONS)("the state machine of %s", (generation) => {
  const definition = toReleaseStateMachine({ functionArn: ARN, generation });
  const machine = RELEASE_MACHINES[generation];
  const tasks = RELEASE_STATE_NAMES.filter((name) => machine[name]?.kind === "task");

  it("is valid", () => {
    const { isValid, errorsText } = validate(definition);

    expect([isValid, isValid ? "" : errorsText()]).toEqual([true, ""]);
  });

  it("goes well", async () => {
    await expectSamePath({}, generation);
  });

  it("looks again until the release is healthy", async () => {
    await expectSamePath({ Deploy: [{ healthy: false }], CheckHealthy: [{}, {}, { healthy: true }] }, generation);
  });

  it("fails when its health is unknown", async () => {
    await expectSamePath({ CheckHealthy: [{ healthy: null }] }, generation);
    await expectSamePath({ CheckHealthy: [{ healthy: "true" }] }, generation);
  });

  it.each(tasks)("takes the path of the table whatever %s fails with, and however often", async (state) => {
    const before: Script = state.endsWith("Failure") ? { Deploy: ["DeployError"] } : {};
    const classes = ["BadReleaseError", "LockExistsError", "LockError", "DeployError", "HealthError", "HaltError"];
    const more = ["DetachError", "CleanUpError", "PanicError", "TaskError", "UnmarshalError", "Lambda.Unknown"];
    for (const errorClass of [...classes, ...more]) {
      for (const times of [1, 2, 4]) {
        await expectSamePath({ ...before, [state]: Array(times).fill(errorClass) }, generation);
      }
    }
  });

  it("takes the path of the table whatever happens together", async () => {
    const outcome = fc.constantFrom("HaltError", "LockError", "HealthError", "DetachError", "PanicError", {});
    const outcomes = fc.array(outcome, { maxLength: 5 });
    const looks = fc.array(fc.constantFrom("HealthError", { healthy: false }, { healthy: false }), { maxLength: 9 });
    const scripts = fc.record({
      ...Object.fromEntries(tasks.slice(3).map((name) => [name, outcomes])),
      CheckHealthy: looks.map((before) => [...before, { healthy: true }]),
    });
    await fc.assert(
      fc.asyncProperty(scripts, (script) => expectSamePath(script, generation)),
      { numRuns: 60 },
    );
  });
});

describe("toReleaseStateMachine", () => {
  it("gives old groups ten minutes to let go", async () => {
    await expectSamePath({ DetachForSuccess: Array(61).fill("DetachError") }, "odin");
  });

  it("calls the function with the task and the state, and continues with its result", async () => {
    const { calls, output } = await run({ Validate: [{ uuid: "u-1" }] }, { input: { release_id: "r-1" } });

    expect(calls[0]).toEqual({ Task: "Validate", Input: { ...HEALTHY, release_id: "r-1" } });
    expect(calls[1]).toEqual({ Task: "Lock", Input: { ...HEALTHY, release_id: "r-1", uuid: "u-1" } });
    expect(output).toEqual({ ...HEALTHY, release_id: "r-1", uuid: "u-1" });
  });

  it("keeps the error, and otherwise the state that the failed task was given", async () => {
    const { calls } = await run({ Lock: [{ locked: true }], ValidateResources: ["BadReleaseError"] });

    expect(calls.at(-1)).toEqual({
      Task: "ReleaseLockFailure",
      Input: { ...HEALTHY, locked: true, error: { Error: "BadReleaseError", Cause: "ValidateResources has failed" } },
    });
  });

  it("fails without an answer where a release has no health at all", async () => {
    const { path } = await run({ CheckHealthy: [{ healthy: undefined }] });

    expect(path.slice(-6, -4)).toEqual(["Healthy?", "DetachForFailure"]);
  });

  it("names its failures", () => {
    const { States } = toReleaseStateMachine({ functionArn: ARN });

    expect([States["FailureClean"]?.Error, States["FailureDirty"]?.Error]).toEqual(["FailureClean", "FailureDirty"]);
  });

  it("waits as the table and the state say", () => {
    const { States } = toReleaseStateMachine({ functionArn: ARN });
    const waits = Object.entries(States).flatMap(([name, { Type, Seconds, SecondsPath }]) => {
      return Type === "Wait" ? [[name, Seconds ?? SecondsPath]] : [];
    });

    expect(Object.fromEntries(waits)).toEqual({
      WaitForDeploy: 90,
      WaitForHealthy: "$.wait_for_healthy",
      WaitForDetach: "$.wait_for_detach",
      WaitDetachForSuccess: 5,
      WaitDetachForFailure: 60,
      WaitForDetachKeeping: "$.wait_for_detach",
      WaitDetachForSuccessKeeping: 5,
      WaitForRetire: "$.rollback_window",
    });
  });

  it("has the retries of the table", () => {
    const { States } = toReleaseStateMachine({ functionArn: ARN });
    const { States: patient } = toReleaseStateMachine({ functionArn: ARN, retryInvocations: true });

    expect(States["Validate"]?.Retry).toBeUndefined();
    expect(States["CheckHealthy"]?.Retry).toEqual([
      { ErrorEquals: ["HaltError"], IntervalSeconds: 1, MaxAttempts: 0, BackoffRate: 1 },
      { ErrorEquals: ["States.ALL"], IntervalSeconds: 15, MaxAttempts: 3, BackoffRate: 2 },
    ]);
    expect(patient["Validate"]?.Retry).toMatchObject([
      { ErrorEquals: expect.arrayContaining(["Lambda.ServiceException"]) },
    ]);
    expect(patient["CheckHealthy"]?.Retry?.slice(1)).toEqual(States["CheckHealthy"]?.Retry);
  });

  it("takes a placeholder for the function", () => {
    const text = JSON.stringify(toReleaseStateMachine({ functionArn: `\${FunctionArn}` }));

    expect(text.match(/\$\{FunctionArn\}/g)?.length).toBe(13);
    expect(text).not.toContain(ARN);
  });
});

describe("a release that keeps its old groups", () => {
  const LANE = [
    "WaitForDetachKeeping",
    "DetachForSuccessKeeping",
    "WaitDetachForSuccessKeeping",
    "CleanUpSuccessKeeping",
  ];
  const input = { rollback_window: 3_600 };
  const walked = walkRelease(RELEASE_MACHINES.odin).path;
  const upToHealthy = walked.slice(0, walked.indexOf("Healthy?") + 1);

  it("goes well, and deletes them after the rollback window", async () => {
    const { path, calls } = await run({}, { input });

    expect(path).toEqual([...upToHealthy, ...LANE, "WaitForRetire", "RetireKept", "Success"]);
    expect(calls.slice(-3).map(({ Task }) => Task)).toEqual(["DetachForSuccess", "CleanUpSuccess", "RetireKept"]);
  });

  it("does not leave its lane when detaching fails", async () => {
    const { path } = await run({ DetachForSuccessKeeping: Array(4).fill("PanicError") } as Script, { input });

    expect(path.slice(-7)).toEqual([
      ...Array(2).fill(LANE[1]),
      ...LANE.slice(2),
      "WaitForRetire",
      "RetireKept",
      "Success",
    ]);
  });

  it.each(["CleanUpSuccessKeeping", "RetireKept"])("ends dirty when %s fails four times", async (state) => {
    const { path } = await run({ [state]: Array(4).fill("CleanUpError") } as Script, { input });

    expect(path.slice(-5)).toEqual([state, state, state, state, "FailureDirty"]);
  });

  it("leaves them to the next release when that holds the lock for an hour", async () => {
    const { path } = await run({ RetireKept: Array(61).fill("LockExistsError") } as Script, { input });

    expect(path.slice(-62)).toEqual([...Array(61).fill("RetireKept"), "Success"]);
  });

  it("takes the usual path where the window is empty, or the release fails", async () => {
    expect((await run({}, { input: { rollback_window: 0 } })).path).toEqual(walked);
    const script: Script = { CheckHealthy: ["HaltError"] };
    expect((await run(script, { input })).path).toEqual(walkRelease(RELEASE_MACHINES.odin, script).path);
  });

  it("is not known to the seed", async () => {
    const { path } = await run({}, { input, generation: "step-asg-deployer" });

    expect(path).toEqual(walkRelease(RELEASE_MACHINES["step-asg-deployer"]).path);
  });
});

const PLACE = { account: "111122223333", region: "eu-west-1" };
const ARN_RELEASE_EXECUTION = `arn:aws:lambda:${PLACE.region}:${PLACE.account}:function:releases`;

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
  const definition = toReleaseStateMachine({ functionArn: ARN_RELEASE_EXECUTION, retryInvocations: true });
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
