import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { createAwsAccess } from "@stackyard/aws";
import { createAwsSim, createResourceLife, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { StackyardError } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createConsumerResources, isAnswerUrl } from "./consumer-resources.ts";
import { refusal, toAnswer, toFailure, wasNeverMade } from "./resource-answer.ts";

const REQUEST = {
  RequestType: "Create",
  RequestId: "r-1",
  StackId: "stack",
  LogicalResourceId: "Bucket",
  ResponseURL: "",
  ResourceProperties: {},
};

describe("a failure", () => {
  it("of a creation has an id whose deletion does nothing", () => {
    const { physicalId } = toFailure(REQUEST, new Error("no"));

    expect(wasNeverMade({ ...REQUEST, PhysicalResourceId: physicalId })).toBe(true);
    expect(wasNeverMade({ ...REQUEST, PhysicalResourceId: "own-bucket" })).toBe(false);
    expect(wasNeverMade(REQUEST)).toBe(false);
  });

  it("of an update keeps the id, so that nothing is deleted", () => {
    expect(toFailure({ ...REQUEST, PhysicalResourceId: "own-bucket" }, new Error("no")).physicalId).toBe("own-bucket");
  });

  it.each([
    [refusal("BUCKET_FOREIGN", "No."), "BUCKET_FOREIGN: No."],
    [new StackyardError("FORBIDDEN", "No."), "FORBIDDEN: No."],
    [new Error("at https://host/key?secret"), "INTERNAL: at https://host/key"],
    ["text", "INTERNAL: unknown"],
  ])("says by code what it was: %s", (error, reason) => {
    expect(toFailure(REQUEST, error)).toMatchObject({ status: "FAILED", reason, data: { Message: reason } });
  });

  it("is answered in 4,096 bytes, whatever the request contains", () => {
    const id = (maxLength: number) => fc.string({ unit: "grapheme-ascii", minLength: maxLength, maxLength });
    const ids = {
      RequestId: id(128),
      StackId: fc.stringMatching(/^[a-z:/-]{512}$/),
      LogicalResourceId: fc.stringMatching(/^\w{255}$/),
    };
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 6_000 }),
      fc.string({ minLength: 5_000, maxLength: 6_000 }),
    );
    fc.assert(
      fc.property(fc.record(ids), text, (given, message) => {
        const request = { ...REQUEST, ...given, PhysicalResourceId: "p".repeat(1_024) };
        const answer = toAnswer(request, toFailure(request, new Error(message)));

        expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThanOrEqual(4_096);
        expect(answer).toMatchObject(given);
      }),
      { numRuns: 60 },
    );
  });
});

const OF_S3 =
  "https://cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com/a?X-Amz-Signature=0";
const EMULATOR = "http://localhost:4566";

describe("the address of an answer", () => {
  it.each([
    [OF_S3, undefined],
    [OF_S3, EMULATOR],
    ["http://localhost:4566/answers/a?X-Amz-Signature=0", EMULATOR],
    ["http://localhost:9999/a", EMULATOR],
  ])("may be %s with the emulator %s", (url, emulator) => {
    expect(isAnswerUrl(url, emulator)).toBe(true);
  });

  it.each([
    ["http://localhost:4566/a", undefined],
    ["https://localhost:4566/a", EMULATOR],
    ["http://169.254.169.254/a", EMULATOR],
    ["http://localhost.example/a", EMULATOR],
    ["http://me@localhost:4566/a", EMULATOR],
    ["a", EMULATOR],
  ])("may not be %s with the emulator %s", (url, emulator) => {
    expect(isAnswerUrl(url, emulator)).toBe(false);
  });
});

const account = "444455556666";
const region = "eu-central-1";
const BUCKET = `stackyard-artifacts-${account}-${region}`;
const PROPERTIES = { Version: "1.0", Topic: "topic" };
const BUCKET_PROPERTIES = { BucketName: BUCKET };
const TYPES = { set: "Custom::InitialSetTrigger", bucket: "Custom::AdoptedBucket" } as const;

interface Options {
  readonly type: keyof typeof TYPES;
  readonly trusts?: readonly string[];
  readonly definition?: object;
  /** The number of the call of AWS that the process dies at, before or after it has taken effect. */
  readonly death?: { readonly at: number; readonly when: "before" | "after" };
  readonly deadlineMs?: number;
}

const DONE = { StartAt: "Done", States: { Done: { Type: "Succeed" } } };

function createWorld({ type, trusts = [account], definition = DONE, death, deadlineMs }: Options) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const distributor = { account: "111122223333", region: "eu-west-1" };
  const role = sim.iam.addRole({ ...distributor, name: "TriggerInitSetRole", trusts, externalId: "yard" });
  const machineArn = sim.stepFunctions.addStateMachine({ ...distributor, name: "InitialSet", definition });
  const bus = sim.eventBridge.addBus({ ...distributor, name: "receipts", allows: [account] });
  const credentials = sim.iam.addUser({ account, name: "function" });
  const plugins = [createSimPlugin(sim), createDeath(death)];
  const access = createAwsAccess({
    clock,
    credentials,
    region: "eu-west-1",
    plugins,
    maxAttempts: 1,
    session: { name: `stackyard-${account}-${region}`, seconds: 900 },
  });
  const s3 = new S3Client({ region, credentials, maxAttempts: 1 });
  for (const plugin of plugins) s3.middlewareStack.use(plugin);
  const logged: string[] = [];
  const add = (...line: readonly unknown[]) => void logged.push(JSON.stringify(line));
  const resources = createConsumerResources({
    account,
    region,
    clock,
    fetch: (url, init) => sim.answers.fetch(String(url), init),
    bucket: () => ({ s3 }),
    logger: { debug: add, info: add, warn: add, error: add },
    initialSet: () => ({
      machineArn,
      bucket: BUCKET,
      capabilities: { transfer: "auto", retire: false },
      states: access.client(SFNClient, { ...distributor, partition: "aws", role: role.arn, externalId: "yard" }),
      receipts: { client: access.client(EventBridgeClient, undefined), bus },
    }),
  });
  const life = createResourceLife({
    clock,
    endpoint: sim.answers,
    region,
    account,
    logicalId: "Resource",
    invoke: (request) => {
      const event = { ...Object(request), ResourceType: TYPES[type] };
      return resources.onResource(event, deadlineMs === undefined ? {} : { deadlineAt: clock.now() + deadlineMs });
    },
  });
  const told = () => sim.eventBridge.waiting.filter(({ source }) => source === "stackyard.consumer");
  return { clock, sim, life, resources, logged, told, settle: passTime(clock) };
}

/** Pauses of the work pass by themselves. */
function passTime(clock: ReturnType<typeof createFakeClock>) {
  return async <Result>(work: Promise<Result>): Promise<Result> => {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    for (let step = 0; step < 5_000 && !isDone; step += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = clock.nextWakeAt();
      if (!isDone && next !== undefined && next - clock.now() < 900_000)
        await clock.advance(Math.max(0, next - clock.now()));
    }
    return done;
  };
}

/** One AWS call breaks off; the next process finds what has taken effect. */
function createDeath(death: Options["death"]) {
  let calls = 0;
  const middleware = (next: (args: unknown) => Promise<unknown>) => async (args: unknown) => {
    calls += 1;
    const isLast = calls === death?.at;
    if (isLast && death?.when === "before") throw new SimFault("SlowDown", 503, "The process has died.");
    const answer = await next(args);
    if (isLast) throw new SimFault("SlowDown", 503, "The process has died.");
    return answer;
  };
  return {
    applyToStack: (stack: { add(middleware: never, options: never): void }) =>
      stack.add(middleware as never, { name: "death", step: "initialize" } as never),
  };
}

describe("Custom::InitialSetTrigger", () => {
  it("registers the consumer and starts the set once, always under the same id", async () => {
    const { life, sim, settle, told } = createWorld({ type: "set" });

    const created = await settle(life.create(PROPERTIES));
    await settle(life.repeat(created.requestId));

    expect([created.status, life.physicalId]).toEqual(["CREATE_COMPLETE", `initial-set-${account}-${region}`]);
    expect(created.answer?.Data).toEqual({
      StepFunctionExecution: sim.stepFunctions.executions[0]?.arn,
      StartedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(sim.stepFunctions.executions).toHaveLength(1);
    expect(sim.stepFunctions.executions[0]).toMatchObject({
      name: expect.stringMatching(new RegExp(`^${account}-${region}-[0-9a-f]{32}$`)),
      input: JSON.stringify({ AccountId: account, Region: region }),
    });
    expect(told()[0]).toMatchObject({
      "detail-type": "consumer.registered",
      detail: { v: 1, account, region, bucket: BUCKET, capabilities: expect.arrayContaining(["v2", "identity"]) },
    });
  });

  it("starts it again where a property has changed, and not where none has", async () => {
    const { life, sim, settle } = createWorld({ type: "set" });
    await settle(life.create(PROPERTIES));

    const same = await settle(life.update({ ...PROPERTIES, ServiceToken: "other" }));
    const changed = await settle(life.update({ ...PROPERTIES, Version: "1.1" }));

    expect([same.answer?.Data?.["StepFunctionExecution"], changed.status]).toEqual(["", "UPDATE_COMPLETE"]);
    expect(sim.stepFunctions.executions).toHaveLength(2);
  });

  it("unregisters on deletion, which succeeds even when no distributor listens", async () => {
    const { life, settle, told, sim } = createWorld({ type: "set" });
    await settle(life.create(PROPERTIES));

    const deleted = await settle(life.delete());
    const fail = () => {
      sim.once("EventBridge.PutEvents", fail);
      return Promise.reject(new SimFault("InternalException", 500, "broken"));
    };
    sim.once("EventBridge.PutEvents", fail);

    expect([deleted.status, told().at(-1)?.["detail-type"]]).toEqual(["DELETE_COMPLETE", "consumer.unregistered"]);
    expect((await settle(life.delete())).status).toBe("DELETE_COMPLETE");
  });

  it("says that the distributor does not trust the account", async () => {
    const { life, settle } = createWorld({ type: "set", trusts: ["999999999999"] });

    const created = await settle(life.create(PROPERTIES));

    expect(created).toMatchObject({ status: "CREATE_FAILED", reason: expect.stringMatching(/^ACCOUNT_NOT_TRUSTED: /) });
    expect(created.answer?.Data?.["Message"]).toMatch(/^ACCOUNT_NOT_TRUSTED: /);
    expect(created.followedBy.map(({ status }) => status)).toEqual(["DELETE_COMPLETE"]);
    expect(life.requests.at(-1)).toMatchObject({
      RequestType: "Delete",
      PhysicalResourceId: `initial-set-${account}-${region}`,
    });
  });

  it("stays registered when an update has left the predecessor's id behind", async () => {
    const { resources, sim, settle, told } = createWorld({ type: "set" });
    const serve = (RequestType: string, PhysicalResourceId: string) => {
      const ids = { RequestId: RequestType, StackId: "2", LogicalResourceId: "InitialSetTrigger" };
      const event = {
        ...ids,
        RequestType,
        PhysicalResourceId,
        ResourceType: TYPES.set,
        ResourceProperties: PROPERTIES,
      };
      return settle(resources.onResource({ ...event, ResponseURL: sim.answers.open(ids, region) }));
    };

    await serve("Update", "2021/06/15/[$LATEST]0123");
    await serve("Delete", "2021/06/15/[$LATEST]0123");

    expect(sim.answers.findAnswer("Update")?.answer?.PhysicalResourceId).toBe(`initial-set-${account}-${region}`);
    expect(sim.answers.findAnswer("Delete")?.answer).toMatchObject({
      Status: "SUCCESS",
      PhysicalResourceId: "2021/06/15/[$LATEST]0123",
    });
    expect(told().map((event) => event["detail-type"])).toEqual(["consumer.registered"]);
  });

  it("says what Step Functions has refused", async () => {
    const { life, settle, sim } = createWorld({ type: "set" });
    sim.once("SFN.StartExecution", () => Promise.reject(new SimFault("StateMachineDoesNotExist", 400, "None.")));

    const { reason } = await settle(life.create(PROPERTIES));

    expect(reason).toMatch(/^INITIAL_SET_FAILED: .*StateMachineDoesNotExist/);
  });

  it("waits for the end on request, over several invocations", async () => {
    const definition = { StartAt: "Wait", States: { Wait: { Type: "Wait", Seconds: 100, End: true } } };
    const { life, settle, sim } = createWorld({ type: "set", definition, deadlineMs: 60_000 });

    const created = await settle(life.create({ ...PROPERTIES, WaitForInitialSet: true }));

    expect(created.status).toBe("CREATE_COMPLETE");
    expect(sim.stepFunctions.executions.map(({ status }) => status)).toEqual(["SUCCEEDED"]);
  });

  it.each([
    ["INITIAL_SET_FAILED", /^INITIAL_SET_FAILED: .* is FAILED \(INITIAL_SET_FAILED\)/],
    ["States.Timeout", /^INITIAL_SET_FAILED: .* is FAILED \(States\.Timeout\)/],
    ["ACCOUNT_NOT_TRUSTED", /^ACCOUNT_NOT_TRUSTED: .* is FAILED .* The distributor must trust this account/],
  ])("fails where what is waited for has failed with %s", async (error, expected) => {
    const definition = { StartAt: "No", States: { No: { Type: "Fail", Error: error } } };
    const { life, settle } = createWorld({ type: "set", definition });

    const { reason } = await settle(life.create({ ...PROPERTIES, WaitForInitialSet: true }));

    expect(reason).toMatch(expected);
  });
});

describe("Custom::AdoptedBucket", () => {
  it("creates a bucket with everything that keeps it safe", async () => {
    const { life, sim, settle } = createWorld({ type: "bucket" });

    const created = await settle(life.create(BUCKET_PROPERTIES));

    expect([created.status, life.physicalId]).toEqual(["CREATE_COMPLETE", BUCKET]);
    expect(created.answer?.Data).toEqual({ Bucket: BUCKET, Adopted: "false" });
    const settings = JSON.stringify(sim.s3.settings(BUCKET));
    for (const part of [
      "RestrictPublicBuckets",
      "BucketOwnerEnforced",
      "Enabled",
      "SecureTransport",
      "stackyard-end-uploads",
    ]) {
      expect(settings).toContain(part);
    }
  });

  it("adopts one of its own, whose objects and statements stay", async () => {
    const { life, sim, settle } = createWorld({ type: "bucket" });
    sim.s3.createBucket({ account, region, name: BUCKET });
    sim.s3.write(BUCKET, "a", "1");

    const created = await settle(life.create(BUCKET_PROPERTIES));
    const before = JSON.stringify(sim.s3.settings(BUCKET));
    const updated = await settle(life.update({ ...BUCKET_PROPERTIES, Other: "1" }));

    expect([created.answer?.Data?.["Adopted"], updated.status]).toEqual(["true", "UPDATE_COMPLETE"]);
    expect(JSON.stringify(sim.s3.settings(BUCKET))).toBe(before);
    expect(sim.s3.texts(BUCKET)).toEqual({ a: "1" });
  });

  it("rejects one of another account, and touches it neither then nor on the way back", async () => {
    const { life, sim, settle } = createWorld({ type: "bucket" });
    sim.s3.createBucket({ account: "999999999999", region, name: BUCKET });
    sim.s3.write(BUCKET, "a", "1");

    const created = await settle(life.create({ ...BUCKET_PROPERTIES, EmptyOnDelete: true }));

    expect(created).toMatchObject({ status: "CREATE_FAILED", reason: expect.stringMatching(/^BUCKET_FOREIGN: /) });
    expect(created.followedBy.map(({ status }) => status)).toEqual(["DELETE_COMPLETE"]);
    expect(sim.s3.texts(BUCKET)).toEqual({ a: "1" });
  });

  it("keeps bucket and objects on deletion", async () => {
    const { life, sim, settle } = createWorld({ type: "bucket" });
    await settle(life.create(BUCKET_PROPERTIES));
    sim.s3.write(BUCKET, "a", "1");

    expect((await settle(life.delete())).status).toBe("DELETE_COMPLETE");
    expect(sim.s3.texts(BUCKET)).toEqual({ a: "1" });
  });

  it("empties and deletes on request, all versions, and twice without harm", async () => {
    const { life, sim, settle } = createWorld({ type: "bucket" });
    await settle(life.create({ ...BUCKET_PROPERTIES, EmptyOnDelete: true }));
    for (let index = 0; index < 1_100; index += 1) sim.s3.write(BUCKET, `k${index % 600}`, `${index}`);

    expect((await settle(life.delete())).status).toBe("DELETE_COMPLETE");
    expect(sim.s3.hasBucket(BUCKET)).toBe(false);
    expect((await settle(life.delete())).status).toBe("DELETE_COMPLETE");
  });

  it("accepts a flag as a string and as a boolean", async () => {
    const { resources, sim, settle } = createWorld({ type: "bucket" });
    const serve = (RequestType: string, more: object) => {
      const ids = { RequestId: RequestType, StackId: "2", LogicalResourceId: "3" };
      const ResourceProperties = { ...BUCKET_PROPERTIES, EmptyOnDelete: true };
      const event = { ...ids, RequestType, ResourceType: TYPES.bucket, ResourceProperties, ...more };
      return settle(resources.onResource({ ...event, ResponseURL: sim.answers.open(ids, region) }));
    };

    await serve("Create", {});
    await serve("Delete", { PhysicalResourceId: BUCKET });

    expect(sim.s3.hasBucket(BUCKET)).toBe(false);
  });

  it("reports that no time is left, and continues on the next request", async () => {
    const { life, sim, settle } = createWorld({ type: "bucket", deadlineMs: 14_000 });
    await settle(life.create({ ...BUCKET_PROPERTIES, EmptyOnDelete: true }));
    sim.s3.write(BUCKET, "a", "1");

    expect((await settle(life.delete())).reason).toMatch(/is not empty yet. Delete the stack again/);
  });

  it.each([{}, { BucketName: "A" }, { BucketPrefix: "x".repeat(40) }, { ...BUCKET_PROPERTIES, KmsKeyArn: "key" }])(
    "refuses %j",
    async (properties) => {
      const { life, settle } = createWorld({ type: "bucket" });

      expect((await settle(life.create(properties))).reason).toMatch(/^CONFIG_INVALID: /);
    },
  );

  it("makes the name of a prefix", async () => {
    const { life, settle } = createWorld({ type: "bucket" });

    await settle(life.create({ BucketPrefix: "stackyard-artifacts" }));

    expect(life.physicalId).toBe(BUCKET);
  });
});

describe("a call that breaks off anywhere", () => {
  const deaths = Array.from({ length: 17 }, (_, index) => index + 1).flatMap((at) =>
    (["before", "after"] as const).map((when) => ({ at, when })),
  );

  it.each(deaths)("leaves a created bucket at the end, $when call $at", async (death) => {
    const { life, sim, settle } = createWorld({ type: "bucket", death });

    const created = await settle(life.create(BUCKET_PROPERTIES));

    expect(created.status).toBe("CREATE_COMPLETE");
    expect(JSON.stringify(sim.s3.settings(BUCKET))).toContain("stackyard-end-uploads");
  });

  it.each(deaths.filter(({ at }) => at <= 6))("starts no set twice, $when call $at", async (death) => {
    const { life, sim, settle, resources } = createWorld({ type: "set", death });

    await settle(life.create(PROPERTIES));
    const [request] = life.requests;
    await settle(resources.onResource({ ...request, ResourceType: TYPES.set }));

    expect(sim.stepFunctions.executions).toHaveLength(1);
  });
});

describe("a request", () => {
  it("that cannot be answered is rejected", async () => {
    const { resources, sim } = createWorld({ type: "set" });
    const event = { RequestType: "Create", RequestId: "1", StackId: "2", LogicalResourceId: "3" };

    await expect(resources.onResource(event)).rejects.toMatchObject({ code: "EVENT_INVALID" });
    const elsewhere = { ...event, ResponseURL: "https://169.254.169.254/x", ResourceType: TYPES.set };
    await expect(resources.onResource(elsewhere)).rejects.toMatchObject({ code: "EVENT_INVALID" });
    expect(sim.calls).toEqual([]);
  });

  it("of another type is answered as failed", async () => {
    const { resources, sim, settle } = createWorld({ type: "set" });
    const ids = { RequestId: "1", StackId: "2", LogicalResourceId: "3" };
    const ResponseURL = sim.answers.open(ids, region);

    await settle(resources.onResource({ ...ids, ResponseURL, RequestType: "Create", ResourceType: "toString" }));

    expect(sim.answers.findAnswer("1")?.answer).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringContaining("CONFIG_INVALID"),
    });
  });

  it("of another kind is answered as failed, and nothing is started", async () => {
    const { resources, sim, settle } = createWorld({ type: "set" });
    const ids = { RequestId: "1", StackId: "2", LogicalResourceId: "3" };
    const ResponseURL = sim.answers.open(ids, region);

    await settle(resources.onResource({ ...ids, ResponseURL, RequestType: "Import", ResourceType: TYPES.set }));

    expect([sim.answers.findAnswer("1")?.answer?.Status, sim.stepFunctions.executions]).toEqual(["FAILED", []]);
  });

  it("has its address in no line of the log and in no reason", async () => {
    const { life, settle, logged, sim } = createWorld({ type: "set", trusts: [] });

    const { reason } = await settle(life.create(PROPERTIES));

    expect(reason + logged.join() + JSON.stringify(sim.answers.uploads)).not.toContain("Signature=");
  });
});
