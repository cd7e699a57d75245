import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock, type FakeClock, type RunCommandOptions } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aReleaseFile, type CommandWorld, createCommandWorld } from "../testing/command-world.ts";

const [ACCOUNT, REGION] = ["111122223333", "eu-west-1"];
const ODIN = { environment: { ODIN_STEP: "coinbase-odin", AWS_ACCOUNT_ID: ACCOUNT, AWS_REGION: REGION, USER: "ann" } };
/** Waits, and ends as the document's metadata say. */
const DEFINITION = {
  StartAt: "WaitForHealthy",
  States: {
    WaitForHealthy: { Type: "Wait", Seconds: 3_600, Next: "End?" },
    "End?": {
      Type: "Choice",
      Choices: [
        { Variable: "$.metadata.end", StringEquals: "FailureClean", Next: "FailureClean" },
        { Variable: "$.metadata.end", StringEquals: "FailureDirty", Next: "FailureDirty" },
      ],
      Default: "Success",
    },
    Success: { Type: "Succeed" },
    FailureClean: { Type: "Fail", Error: "FailureClean" },
    FailureDirty: { Type: "Fail", Error: "FailureDirty" },
  },
};

let [clock, sim, world]: [FakeClock, AwsSim, CommandWorld] = [] as never;
let regions: string[] = [];
beforeEach(() => {
  clock = createFakeClock();
  sim = createAwsSim({ clock });
  sim.s3.createBucket({ name: `coinbase-odin-${ACCOUNT}`, account: ACCOUNT, region: REGION });
  sim.stepFunctions.addStateMachine({
    account: ACCOUNT,
    region: REGION,
    name: "coinbase-odin",
    definition: DEFINITION,
  });
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "ann" });
  regions = [];
  world = createCommandWorld({
    // Time passes while a command waits, and at no other time.
    clock: { ...clock, now: () => clock.now(), sleep: (ms) => clock.advance(ms) },
    pollMs: 10_000,
    async openAws(region) {
      regions.push(region);
      const [s3, sfn] = [S3Client, SFNClient].map((type) => {
        const client = new type({ region, credentials, maxAttempts: 1 });
        client.middlewareStack.use(createSimPlugin(sim) as never);
        return client;
      }) as [S3Client, SFNClient];
      return { s3, sfn, loadAccount: async () => ACCOUNT };
    },
  });
  world.write("shop.json", aReleaseFile({ metadata: { end: "Success" } }));
  world.write("shop.json.userdata", "#!/bin/sh\n");
});
afterEach(() => world.remove());

const run = (name: string, args: object, options: RunCommandOptions = ODIN) => world.run(name, args, options);

const executions = () => sim.stepFunctions.executions;

describe("the commands over a deployer under Step Functions", () => {
  it("deploy as the predecessor's client did, with its environment", async () => {
    const { exitCode, text, notes, progress } = await run("deploy", { file: "shop.json" });

    expect([exitCode, regions]).toEqual([0, [REGION]]);
    expect(text).toMatch(/^Release release-2026-01-01T00-00-\S+Z-[a-z]{7} succeeded\.\n/);
    expect(notes[0]).toContain("of the deployer coinbase-odin");
    expect(progress).toContain("WaitForHealthy");
    const [execution] = executions();
    expect(execution?.name).toMatch(/^deploy-org-shop-production-2026-01-01T/);
    expect(JSON.parse(execution?.input ?? "")).toMatchObject({ bucket: `coinbase-odin-${ACCOUNT}`, ami: "base" });
    expect(JSON.parse(execution?.input ?? "").uuid).toBeUndefined();
  });

  it.each([
    ["FailureClean", 1],
    ["FailureDirty", 2],
  ])("end with what %s means", async (end, exitCode) => {
    world.write("shop.json", aReleaseFile({ metadata: { end } }));

    expect((await run("deploy", { file: "shop.json" })).exitCode).toBe(exitCode);
    const fails = await run("fails", {});
    expect(fails.text).toContain(end);
  });

  it("refuse a second release while one runs, and stop that", async () => {
    await run("deploy", { file: "shop.json", detach: true });

    const second = await run("deploy", { file: "shop.json" });
    const halted = await run("halt", { what: "shop.json" });

    expect([second.exitCode, second.text]).toEqual([3, expect.stringContaining("Already deploying")]);
    expect(second.text).toMatch(/\nstackyard asg halt deploy-\S+$/);
    expect(executions()).toHaveLength(1);
    // This deployer looks for no halt.
    expect([halted.exitCode, halted.text]).toEqual([1, expect.stringContaining("succeeded.")]);
  });

  it("print the command that halts a release of the named deployer", async () => {
    const named = { file: "shop.json", deployer: "coinbase-odin", preset: "odin", region: REGION };
    await run("deploy", { ...named, detach: true });

    const second = await run("deploy", named);

    expect(second.text).toMatch(
      /\nstackyard asg halt deploy-\S+ --preset odin --deployer coinbase-odin --region eu-west-1$/,
    );
  });

  it("ask for the account of the credentials, if a name comes without one", async () => {
    const name = { file: "shop.json", deployer: "coinbase-odin", preset: "odin" };

    const { exitCode, notes } = await run("deploy", name, { environment: { USER: "ann", AWS_REGION: REGION } });

    expect([exitCode, notes[0]]).toEqual([0, expect.stringContaining("of the deployer coinbase-odin")]);
  });

  it("take a name with account and region, or an ARN", async () => {
    const name = { file: "shop.json", deployer: "coinbase-odin", preset: "odin" };
    const arn = `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:coinbase-odin`;
    const nowhere = { environment: { USER: "ann" } };

    const named = await run("deploy", { ...name, account: ACCOUNT, region: REGION }, nowhere);
    const byArn = await run("deploy", { ...name, deployer: arn }, nowhere);

    expect([named.exitCode, byArn.exitCode]).toEqual([0, 0]);
    await expect(run("deploy", name, nowhere)).rejects.toMatchObject({ code: "USAGE" });
    await expect(run("deploy", { ...name, deployer: "arn:aws:s3:::x" }, nowhere)).rejects.toMatchObject({
      code: "USAGE",
    });
    await expect(run("deploy", { ...name, role: "x" })).rejects.toMatchObject({ code: "USAGE" });
  });

  it("keep releases in the bucket that is named, and halt them there", async () => {
    const named = (name: string) => sim.s3.createBucket({ name, account: ACCOUNT, region: REGION });
    const halt = `${ACCOUNT}/org/shop/production/halt`;
    named("by-word");
    named("by-document");

    await run("deploy", { file: "shop.json", bucket: "by-word", detach: true });
    await run("halt", { what: "shop.json", detach: true });
    await clock.advance(3_600_000);
    world.write("shop.json", aReleaseFile({ bucket: "by-document", metadata: { end: "Success" } }));
    await run("deploy", { file: "shop.json", detach: true });
    await run("halt", { what: "shop.json", detach: true });

    expect(executions().map(({ input }) => JSON.parse(input).bucket)).toEqual(["by-word", "by-document"]);
    expect(["by-word", "by-document"].map((name) => sim.s3.texts(name)[halt])).toEqual([
      ...["Halted by ann", "Halted by ann"],
    ]);
    expect(sim.s3.texts(`coinbase-odin-${ACCOUNT}`)).toEqual({});
  });

  it("use the deployer's account for the bucket, even if the release goes to another account", async () => {
    const arn = `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:coinbase-odin`;

    await run("deploy", { file: "shop.json", deployer: arn, preset: "odin", account: "444455556666", detach: true });

    expect(JSON.parse(executions()[0]?.input ?? "")).toMatchObject({ bucket: `coinbase-odin-${ACCOUNT}` });
  });

  it("bear with calls that fail for a while", async () => {
    const { text: release } = await run("deploy", { file: "shop.json", detach: true });
    for (let calls = 0; calls < 5; calls += 1) {
      sim.once("SFN.DescribeExecution", () => {
        throw Object.assign(new Error("Rate exceeded"), { name: "ThrottlingException" });
      });
    }

    expect((await run("watch", { release })).exitCode).toBe(0);
  });

  it("give up on what does not pass", async () => {
    await expect(run("watch", { release: "deploy-none" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("lock, list and show", async () => {
    const shop = { project: "org/shop", config: "production" };
    const locked = await run("lock", { ...shop, reason: "sale" });
    await run("deploy", { file: "shop.json" });
    const listed = await run("ls", {});

    expect([locked.exitCode, locked.text]).toEqual([0, "Locked."]);
    expect(listed.text).toMatch(/org\/shop +production +deploy +Success +deploy-org-shop-production-/);
    const [{ jobId: release = "" } = {}] = listed.value["releases"] as { jobId: string }[];
    expect((await run("show", { release })).text).toContain("Path: WaitForHealthy, End?, Success");
  });

  it("put a yard's release into a predecessor's bucket before they ask for it", async () => {
    const refused = run("deploy", { file: "shop.json", bucket: `coinbase-odin-${ACCOUNT}` }, { environment: {} });

    // The yard's address does not answer, and the command tries it first.
    await expect(refused).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(executions()).toHaveLength(0);
  });
});
