import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { type InvokeCommandInput, LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import { createSimPlugin } from "@stackyard/aws-sim";
import { createMemoryRecords } from "@stackyard/core/testing";
import { createLambdaCall, findArtifactCode, type Manifest } from "@stackyard/sdk/artifacts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDistributor, type Distributor } from "../distributor.ts";
import { type CommandWorld, createCommandWorld } from "../testing/a-command-world.ts";
import { aReceiptEvent, aRegistration } from "../testing/a-distributor-world.ts";
import { createPassingClock } from "../testing/passing-clock.ts";

const OWN = { account: "111122223333", region: "eu-west-1" };
const CONSUMER = { account: "222233334444", region: "eu-west-1" };
const VERSION = { name: "billing-api", version: "1.4.2" };

let world: CommandWorld;
let distributor: Distributor;
beforeEach(async () => {
  world = createCommandWorld({
    openDistributor: async ({ functionName }) => createLambdaCall({ client: createLambda(), functionName }),
  });
  world.sim.s3.createBucket({ name: "bucket-222233334444-eu-west-1", ...CONSUMER, sharedWith: [OWN.account] });
  distributor = createOver(world);
  world.write("dist/app.zip", "app");
  await distributor.handle(aRegistration(CONSUMER));
});
afterEach(() => world.remove());

/** A distributor over the services of a world. */
function createOver({ sim, clock: start }: CommandWorld): Distributor {
  // It sends so many messages a second.
  const clock = createPassingClock(start.now());
  const credentials = sim.iam.addUser({ account: OWN.account, name: "distributor" });
  const open = <Client>(type: new (config: never) => Client): Client => {
    const client = new type({ region: OWN.region, credentials, maxAttempts: 1 } as never);
    Object(client).middlewareStack.use(createSimPlugin(sim));
    return client;
  };
  const topicArn = sim.sns.addTopic({ ...OWN, name: "artifacts" });
  return createDistributor({
    records: createMemoryRecords(),
    clock,
    random: () => 0.5,
    write: () => {},
    s3: open(S3Client),
    sns: open(SNSClient),
    events: open(EventBridgeClient),
    states: open(SFNClient),
    credentials: async () => ({ ...credentials, expiration: new Date(clock.now() + 3_600_000) }),
    config: { ...OWN, bucket: "source", prefix: "", topicArn, trustedAccounts: [CONSUMER.account] },
  });
}

/** Lambda with the distributor behind each of its functions. */
function createLambda(): LambdaClient {
  const client = new LambdaClient({ region: OWN.region, credentials: { accessKeyId: "a", secretAccessKey: "b" } });
  client.middlewareStack.add(
    () => async (args) => {
      const { Payload } = args.input as InvokeCommandInput;
      const answer = await distributor.handle(JSON.parse(Buffer.from(Payload as Uint8Array).toString()));
      return { response: {}, output: { $metadata: {}, Payload: Buffer.from(JSON.stringify(answer)) } as never };
    },
    { step: "initialize" },
  );
  return client;
}

async function publish(): Promise<Manifest> {
  await world.run("artifacts publish", { ...VERSION, path: "dist" });
  const object = { key: "billing-api/1.4.2/manifest.json" };
  const detail = { bucket: { name: "source" }, object };
  await distributor.handle({ source: "aws.s3", "detail-type": "Object Created", detail });
  return JSON.parse(world.sim.s3.texts("source")[object.key] ?? "null");
}

async function receive(manifest: Manifest, changes: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const published = { manifest, manifestKey: "", manifestSha256: "", sequence: 1, distributionId: "d" };
  await distributor.handle(aReceiptEvent(published, CONSUMER, { at: world.clock.now(), ...changes }));
}

describe("the commands, over a distributor", () => {
  it("show a version from its publication to where it stands", async () => {
    const manifest = await publish();
    const before = await world.run("artifacts coverage");
    await receive(manifest);
    const after = await world.run("artifacts coverage", { artifact: "billing-api@1.4.2", wait: true });

    expect([before.exitCode, before.text]).toEqual([1, expect.stringMatching(/billing-api@1\.4\.2 \S*A/)]);
    expect([after.exitCode, after.text]).toEqual([0, expect.stringMatching(/billing-api@1\.4\.2 \S*S/)]);
    expect((await world.run("artifacts ls")).value["artifacts"]).toMatchObject([
      { ...VERSION, files: 1, covered: true },
    ]);
    const shown = await world.run("artifacts show", VERSION);
    expect(shown.text).toContain(manifest.files[0]?.sha256);
    expect(shown.value["artifact"]).toMatchObject({ cells: [{ ...CONSUMER, status: "stored" }] });
  });

  it("show consumers", async () => {
    await receive(await publish());

    expect((await world.run("consumers ls")).value["consumers"]).toMatchObject([{ ...CONSUMER, generation: "v2" }]);
    expect((await world.run("consumers show", CONSUMER)).value["consumer"]).toMatchObject({
      cells: [{ ...VERSION, status: "stored" }],
    });
  });

  it("repair from the contents of a bucket what a lost receipt has left open", async () => {
    await publish();
    world.sim.s3.write("bucket-222233334444-eu-west-1", "billing-api/1.4.2/app.zip", "app");

    const { exitCode } = await world.run("artifacts verify", { ...VERSION, ...CONSUMER });

    expect(exitCode).toBe(0);
    expect(await world.run("artifacts coverage")).toMatchObject({ exitCode: 0 });
  });

  it("restore what was deleted", async () => {
    await receive(await publish());

    expect(await world.run("artifacts verify", { ...VERSION, ...CONSUMER })).toMatchObject({
      exitCode: 1,
      value: { missing: ["billing-api/1.4.2/app.zip"] },
    });
    expect(await world.run("artifacts coverage")).toMatchObject({ exitCode: 1 });
  });

  it("announce again, and retire", async () => {
    await publish();
    const refreshed = await world.run("artifacts refresh", { ...VERSION, ...CONSUMER });
    const retired = await world.run("artifacts retire", { ...VERSION, yes: true });

    expect(refreshed.value).toEqual({ files: 1, messages: 1 });
    expect(retired.value).toMatchObject({ retired: true });
    expect((await world.run("artifacts ls")).value["artifacts"]).toMatchObject([{ retired: true }]);
  });

  it("refuse by the distributor's codes", async () => {
    const codeOf = (work: Promise<unknown>) => work.then(() => "none", findArtifactCode);

    expect(await codeOf(world.run("artifacts show", VERSION))).toBe("NOT_FOUND");
    expect(await codeOf(world.run("consumers show", { ...CONSUMER, region: "us-east-1" }))).toBe("NOT_FOUND");
    const stranger = { account: "555566667777", region: "eu-west-1" };
    expect(await codeOf(world.run("artifacts replay", stranger))).toBe("ACCOUNT_NOT_TRUSTED");
    expect(await world.run("artifacts coverage", { artifact: "billing-api@1.4.2" })).toMatchObject({ exitCode: 1 });
  });
});
