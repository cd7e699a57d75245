import { GetObjectCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock, createRandom } from "@stackyard/core/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { PRESETS } from "../release-constants.ts";
import { createDeployerPlace } from "./create-deployer-place.ts";
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
    expect(release.runId).toMatch(/^deploy-org-shop-production-2026-01-01T00-00-00Z-[a-z]{7}$/);
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
    const { runId } = await deploy("release-1");
    for (let number = 0; number < 1_000; number += 1) {
      const request = { stateMachineArn: world.machineArn, name: `deploy-other-${number}`, input: "{}" };
      await world.sfn.send(new StartExecutionCommand(request));
    }

    expect(await place.findRunning(AT)).toMatchObject({ runId });
  });

  it("tells how far a release is", async () => {
    const { runId } = await deploy("release-1");
    await world.clock.advance(1_000);

    const running = await place.get(runId);
    await world.clock.advance(90_000);
    const done = await place.get(runId);

    expect([running.report?.state, done.standing, done.end]).toEqual(["WaitForDeploy", "succeeded", "Success"]);
    await expect(place.get("deploy-none")).rejects.toMatchObject({ code: "NOT_FOUND" });
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

    const { runId } = await place.rollback({ at: AT });

    const execution = world.sim.stepFunctions.executions.find(({ name }) => name === runId);
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
      [false, "It is locked already, by ann: sale"],
      [true, "The lock of ann is gone: sale"],
      [true, "No person had locked it.\nThe deployer had no lock."],
    ]);
  });

  it("has no repair", async () => {
    await expect(place.repair({ at: AT, remove: false })).rejects.toMatchObject({ code: "USAGE" });
  });

  it("tells faults of AWS with what could not be done", async () => {
    const missing = world.machineArn.replace("coinbase-odin", "other");
    const options = { sfn: world.sfn, s3: world.s3, machineArn: missing, bucket: BUCKET, clock: world.clock };
    const signal = new AbortController().signal;
    const more = { random: () => 0, by: "ann", signal, preset: "odin", constants: PRESETS.odin };
    const stranger = createDeployerPlace({ ...options, ...more });

    await expect(stranger.findRunning(AT)).rejects.toThrow(/cannot be listed/);
    await expect(stranger.deploy({ document: aDocument("release-1") })).rejects.toThrow(/cannot be started/);
  });
});
