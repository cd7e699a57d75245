import { GetObjectCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { type HistoryEvent, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock, createRandom } from "@stackyard/core/testing";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { PRESETS } from "../presets.ts";
import { createDeployerPlace, type ExecutionFacts, readExecution } from "./deployer-place.ts";
import type { ReleasePlace } from "./release-place.ts";

const [ACCOUNT, REGION, BUCKET] = ["111122223333", "eu-west-1", "coinbase-odin-111122223333"];
const AT = { account: ACCOUNT, region: REGION, project: "org/shop", config: "production" };
/** A deployer of which only the waiting is seen. */
const DEFINITION = {
  StartAt: "Validate",
  States: {
    Validate: { Type: "Pass", Next: "WaitForDeploy" },
    WaitForDeploy: { Type: "Wait", Seconds: 90, Next: "Good?" },
    "Good?": {
      Type: "Choice",
      Choices: [{ Variable: "$.metadata.bad", IsPresent: true, Next: "FailureClean" }],
      Default: "Success",
    },
    Success: { Type: "Succeed" },
    FailureClean: { Type: "Fail", Error: "FailureClean" },
  },
};

let world: ReturnType<typeof createDeployer>;
let place: ReleasePlace;
beforeEach(() => {
  world = createDeployer();
  place = world.place;
});

function createDeployer() {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "ann" });
  sim.s3.createBucket({ name: BUCKET, account: ACCOUNT, region: REGION });
  const place = { account: ACCOUNT, region: REGION, name: "coinbase-odin" };
  const machineArn = sim.stepFunctions.addStateMachine({ ...place, definition: DEFINITION });
  const [s3, sfn] = [S3Client, SFNClient].map((type) => {
    const client = new type({ region: REGION, credentials, maxAttempts: 1 });
    client.middlewareStack.use(createSimPlugin(sim) as never);
    return client;
  }) as [S3Client, SFNClient];
  const options = { sfn, s3, machineArn, bucket: BUCKET, clock, random: createRandom(1), by: "ann" };
  const signal = new AbortController().signal;
  return {
    clock,
    sim,
    sfn,
    s3,
    machineArn,
    place: createDeployerPlace({ ...options, signal, preset: "odin", constants: PRESETS.odin }),
    async read(key: string) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
      return Body?.transformToString();
    },
  };
}

function aDocument(releaseId: string, over: object = {}) {
  const names = { aws_account_id: ACCOUNT, aws_region: REGION, project_name: "org/shop", config_name: "production" };
  return { ...names, release_id: releaseId, bucket: BUCKET, ...over };
}

const deploy = (releaseId: string, over: object = {}) =>
  place.deploy({ document: aDocument(releaseId, over), userData: "#!/bin/sh" });

describe("a deployer under Step Functions", () => {
  it("is given the release over two channels, the user data encrypted, and then an execution", async () => {
    const release = await deploy("release-1");

    expect(release).toMatchObject({ ...AT, releaseId: "release-1", standing: "running" });
    expect(release.jobId).toMatch(/^deploy-org-shop-production-2026-01-01T00-00-00Z-[a-z]{7}$/);
    expect(JSON.parse((await world.read(`${ACCOUNT}/org/shop/production/release-1/release`)) ?? "")).toEqual(
      aDocument("release-1"),
    );
    const userData = { Bucket: BUCKET, Key: `${ACCOUNT}/org/shop/production/release-1/userdata` };
    expect(await world.s3.send(new HeadObjectCommand(userData))).toMatchObject({ ServerSideEncryption: "aws:kms" });
    expect(JSON.parse(world.sim.stepFunctions.executions[0]?.input ?? "")).toEqual(aDocument("release-1"));
  });

  it("finds what runs exactly there, on whichever page it is", async () => {
    await deploy("release-1");
    await deploy("release-2", { config_name: "production-eu" });
    await deploy("release-3", { project_name: "org-shop" });
    await deploy("release-4", { aws_region: "us-east-1" });

    expect(await place.findRunning(AT)).toMatchObject({ releaseId: "release-1" });
    expect(await place.findRunning({ ...AT, project: "org-shop" })).toMatchObject({ releaseId: "release-3" });
    expect(await place.findRunning({ ...AT, config: "prod" })).toBeUndefined();
    await world.clock.advance(91_000);
    expect(await place.findRunning(AT)).toBeUndefined();
  });

  it("looks behind the first thousand", async () => {
    const { jobId } = await deploy("release-1");
    for (let number = 0; number < 1_000; number += 1) {
      const request = { stateMachineArn: world.machineArn, name: `deploy-other-${number}`, input: "{}" };
      await world.sfn.send(new StartExecutionCommand(request));
    }

    expect(await place.findRunning(AT)).toMatchObject({ jobId });
  });

  it("reports the progress of a release", async () => {
    const { jobId } = await deploy("release-1");
    await world.clock.advance(1_000);

    const running = await place.get(jobId);
    await world.clock.advance(90_000);
    const done = await place.get(jobId);

    expect([running.report?.state, done.standing, done.end]).toEqual(["WaitForDeploy", "succeeded", "Success"]);
    await expect(place.get("deploy-none")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("has started what Step Functions does not describe yet, and looks again for what it has started", async () => {
    const unseen = Object.assign(new Error("Execution Does Not Exist"), { name: "ExecutionDoesNotExist" });
    world.sim.once("SFN.DescribeExecution", () => Promise.reject(unseen));
    const { jobId } = await deploy("release-1");

    const seen = place.get(jobId);
    await world.clock.advance(30_000);

    expect(await seen).toMatchObject({ jobId, standing: "running" });
  });

  it("halts by the predecessor's file and by an order to the release", async () => {
    const release = await deploy("release-1");

    await place.halt(release, { message: "wrong image", by: "ann" });

    expect(await world.read(`${ACCOUNT}/org/shop/production/halt`)).toBe("wrong image");
    expect(JSON.parse((await world.read(`${ACCOUNT}/org/shop/production/release-1/halt`)) ?? "")).toMatchObject({
      message: "wrong image",
      by: "ann",
    });
  });

  it("lists the newest first, and what has failed since", async () => {
    await deploy("release-1", { metadata: { bad: "1" } });
    await world.clock.advance(100_000);
    const since = world.clock.now();
    await world.clock.advance(1_000);
    await deploy("release-2", { metadata: { bad: "1" } });
    await deploy("release-3", { config_name: "staging" });
    await world.clock.advance(100_000);

    const ids = async (filter: Partial<Parameters<ReleasePlace["list"]>[0]>) =>
      (await place.list({ limit: 10, ...filter })).map(({ releaseId }) => releaseId);

    expect(await ids({})).toEqual(["release-3", "release-2", "release-1"]);
    expect(await ids({ limit: 1 })).toEqual(["release-3"]);
    expect(await ids({ at: { config: "production" } })).toEqual(["release-2", "release-1"]);
    expect(await ids({ failed: true, since })).toEqual(["release-2"]);
  });

  it("goes back by deploying the document before again", async () => {
    await deploy("release-1");
    await world.clock.advance(100_000);
    await deploy("release-2");
    await world.clock.advance(100_000);

    const { jobId } = await place.rollback({ at: AT });

    const execution = world.sim.stepFunctions.executions.find(({ name }) => name === jobId);
    const { release_id: releaseId, created_at: createdAt, ...rest } = JSON.parse(execution?.input ?? "");
    expect(rest).toEqual((({ release_id: _id, ...kept }) => kept)(aDocument("release-1")));
    expect([releaseId, createdAt]).toEqual([
      expect.stringMatching(/^release-2026-01-01T00-03-20Z-/),
      "2026-01-01T00:03:20.000Z",
    ]);
    expect(await world.read(`${ACCOUNT}/org/shop/production/${releaseId}/userdata`)).toBe("#!/bin/sh");
  });

  it("has nothing to go back to before two releases", async () => {
    await expect(place.rollback({ at: AT })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await deploy("release-1");
    await world.clock.advance(100_000);
    await expect(place.rollback({ at: AT })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("is locked by one person and unlocked by another", async () => {
    const order = { at: AT, by: "ann" };

    const first = await place.lock({ ...order, reason: "sale" });
    const second = await place.lock({ ...order, by: "bob", reason: "party" });
    const path = `${ACCOUNT}/org/shop/production/user-lock`;
    const file = JSON.parse((await world.read(path)) ?? "");
    const gone = await place.unlock({ ...order, root: false });
    const none = await place.unlock({ ...order, root: true });

    expect(file).toEqual({ user: "ann", lock_reason: "sale" });
    expect([first, second, gone, none].map(({ isDone, message }) => [isDone, message])).toEqual([
      [true, "Locked."],
      [false, "Already locked by ann: sale"],
      [true, "Removed the lock of ann: sale"],
      [true, "No person has locked it.\nThe deployer has no lock."],
    ]);
  });

  it("has no repair", async () => {
    await expect(place.repair({ at: AT, remove: false })).rejects.toMatchObject({ code: "USAGE" });
  });

  it("reports AWS errors with the action that failed", async () => {
    const missing = world.machineArn.replace("coinbase-odin", "other");
    const options = { sfn: world.sfn, s3: world.s3, machineArn: missing, bucket: BUCKET, clock: world.clock };
    const signal = new AbortController().signal;
    const more = { random: () => 0, by: "ann", signal, preset: "odin", constants: PRESETS.odin };
    const stranger = createDeployerPlace({ ...options, ...more });

    await expect(stranger.findRunning(AT)).rejects.toThrow(/cannot be listed/);
    await expect(stranger.deploy({ document: aDocument("release-1") })).rejects.toThrow(/cannot be started/);
  });
});

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
const DOCUMENT = {
  aws_account_id: "111122223333",
  aws_region: "eu-west-1",
  project_name: "org/shop",
  config_name: "production",
  release_id: "release-2",
  timeout: 1_200,
  started_at: "2026-01-01T00:00:01Z",
};

const entered = (name: string, seconds: number, input: object = DOCUMENT): HistoryEvent => ({
  id: seconds,
  type: "TaskStateEntered",
  timestamp: at(seconds),
  stateEnteredEventDetails: { name, input: JSON.stringify(input) },
});
const exited = (name: string, seconds: number, output: object): HistoryEvent => ({
  id: seconds,
  type: "TaskStateExited",
  timestamp: at(seconds),
  stateExitedEventDetails: { name, output: JSON.stringify(output) },
});

function anExecution(over: Partial<ExecutionFacts> = {}): ExecutionFacts {
  return {
    name: "deploy-org-shop-production-x",
    status: "RUNNING",
    startedAt: at(0),
    account: "000000000000",
    region: "us-east-1",
    input: JSON.stringify(DOCUMENT),
    ...over,
  };
}

describe("readExecution", () => {
  it("is a release that runs, with the names of its document", () => {
    expect(readExecution(anExecution())).toEqual({
      jobId: "deploy-org-shop-production-x",
      operation: "deploy",
      releaseId: "release-2",
      account: "111122223333",
      region: "eu-west-1",
      project: "org/shop",
      config: "production",
      standing: "running",
      isHalting: false,
      startedAt: "2026-01-01T00:00:00.000Z",
    });
  });

  it("reports the first error together with the one that was caught after it", () => {
    const error = (name: string) => ({ Error: name, Cause: JSON.stringify({ errorMessage: `${name}!` }) });
    const dirty = { ...DOCUMENT, first_error: error("HaltError"), error: error("CleanUpError") };
    const failed = { status: "FAILED", error: "FailureDirty", endedAt: at(9) } as const;

    const release = readExecution(anExecution({ ...failed, events: [entered("FailureDirty", 9, dirty)] }));

    expect(release.error).toEqual({ code: "RELEASE_HALTED", message: "HaltError!" });
    expect(release.report).toMatchObject({
      error: { class: "HaltError", message: "HaltError!" },
      laterErrors: [{ class: "CleanUpError", message: "CleanUpError!" }],
    });
  });

  it("takes the deployer's place where the document names none", () => {
    const input = JSON.stringify({ project_name: "org/shop" });

    expect(readExecution(anExecution({ input }))).toMatchObject({ account: "000000000000", region: "us-east-1" });
  });

  it("reports path and services of the newest state, as its history has them", () => {
    const report = { target_healthy: 2, target_launched: 3, healthy: 1, launching: 3, terminating: 1 };
    const services = {
      web: { created_asg: "shop-web", healthy_report: report, Healthy: false, causes: ["no Spot", 1] },
    };
    const events = [
      exited("CheckHealthy", 9, { ...DOCUMENT, services }),
      entered("CheckHealthy", 8, DOCUMENT),
      { id: 7, type: "LambdaFunctionStarted", timestamp: at(7) } as HistoryEvent,
      entered("Validate", 1, DOCUMENT),
    ];

    expect(readExecution(anExecution({ events })).report).toEqual({
      operation: "deploy",
      releaseId: "release-2",
      account: "111122223333",
      region: "eu-west-1",
      project: "org/shop",
      config: "production",
      state: "CheckHealthy",
      since: at(8).getTime(),
      startedAt: at(1).getTime(),
      timeoutSeconds: 1_200,
      lines: [],
      laterErrors: [],
      path: [
        { state: "Validate", at: at(1).getTime() },
        { state: "CheckHealthy", at: at(8).getTime() },
      ],
      services: {
        web: {
          healthy: 1,
          unhealthy: 1,
          terminating: 1,
          launching: 3,
          targetHealthy: 2,
          targetLaunched: 3,
          group: "shop-web",
          isHealthy: false,
          causes: ["no Spot"],
        },
      },
    });
  });

  it.each([
    ["SUCCEEDED", undefined, "succeeded", "Success"],
    ["FAILED", "FailureClean", "failed", "FailureClean"],
    ["FAILED", "FailureDirty", "failed", "FailureDirty"],
    ["FAILED", "States.Runtime", "failed", "FailureDirty"],
    ["ABORTED", undefined, "failed", "FailureDirty"],
    ["TIMED_OUT", undefined, "failed", "FailureDirty"],
  ])("ends as %s with %s does", (status, error, standing, end) => {
    const release = readExecution(anExecution({ status, endedAt: at(60), ...(error && { error }) }));

    expect(release).toMatchObject({ standing, end, endedAt: "2026-01-01T00:01:00.000Z" });
  });

  it.each([
    [
      { Error: "LockExistsError", Cause: '{"errorMessage":"Lock Already Exists","errorType":"LockExistsError"}' },
      "LOCK_EXISTS",
      "Lock Already Exists",
    ],
    [{ Error: "HaltError", Cause: "Timeout: Halting Release" }, "RELEASE_TIMED_OUT", "Timeout: Halting Release"],
    [{ Error: "HaltError", Cause: "stop" }, "RELEASE_HALTED", "stop"],
    [{ Error: "Lambda.Unknown", Cause: "{" }, "Lambda.Unknown", "{"],
  ])("reports the error that a function has returned: %o", (error, code, message) => {
    const events = [entered("FailureClean", 5, { ...DOCUMENT, error })];

    const release = readExecution(anExecution({ status: "FAILED", error: "FailureClean", events }));

    expect(release.error).toEqual({ code, message });
    expect(release.report?.error).toEqual({ class: error.Error, message });
  });

  it("succeeds, whatever errors were handled on the way", () => {
    const error = { Error: "DetachError", Cause: "not yet detached" };
    const events = [entered("Success", 5, { ...DOCUMENT, error })];

    const release = readExecution(anExecution({ status: "SUCCEEDED", events }));

    expect([release.error, release.report?.error]).toEqual([undefined, { class: "DetachError", message: error.Cause }]);
  });

  it.each(["WaitForRetire", "RetireKept"])("is done while it only waits with the groups that are kept: %s", (state) => {
    const events = [entered(state, 30), entered("WaitForRetire", 20), entered("CleanUpSuccessKeeping", 10)];

    expect(readExecution(anExecution({ events }))).toMatchObject({
      standing: "succeeded",
      end: "Success",
      endedAt: at(20).toISOString(),
    });
  });

  it("takes any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (input, state) => {
        const details = { name: "Lock", input: JSON.stringify({ release_id: 1, services: state, error: state }) };
        const events = [{ id: 1, type: "TaskStateEntered", timestamp: at(1), stateEnteredEventDetails: details }];
        const facts = anExecution({ input: JSON.stringify(input), events: events as HistoryEvent[] });

        expect(readExecution(facts).report?.state).toBe("Lock");
      }),
    );
  });
});
