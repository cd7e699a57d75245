import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { createAwsAccess } from "@stackyard/aws";
import { NEVER_MADE } from "@stackyard/aws/custom-resource";
import { createAwsSim, createResourceLife, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { StackyardError } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createConsumerResources } from "./consumer-resources.ts";
import { refusal, toAnswer, toFailure } from "./resource-answer.ts";

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

    expect(physicalId.startsWith(NEVER_MADE)).toBe(true);
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
  /** The environment is invalid. */
  readonly isBroken?: boolean;
}

const DONE = { StartAt: "Done", States: { Done: { Type: "Succeed" } } };

function createWorld({ type, trusts = [account], definition = DONE, death, deadlineMs, isBroken }: Options) {
  const check = () => {
    if (isBroken) throw new StackyardError("CONFIG_INVALID", "X is not set.");
  };
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
  const s3 = access.client(S3Client, { account, region, partition: "aws" });
  const logged: string[] = [];
  const add = (...line: readonly unknown[]) => void logged.push(JSON.stringify(line));
  const resources = createConsumerResources({
    account,
    region,
    clock,
    fetch: (url, init) => sim.answers.fetch(String(url), init),
    bucket() {
      check();
      return { s3 };
    },
    logger: { debug: add, info: add, warn: add, error: add },
    initialSet() {
      check();
      return {
        machineArn,
        bucket: BUCKET,
        capabilities: { transfer: "auto", retire: false },
        states: access.client(SFNClient, { ...distributor, partition: "aws", role: role.arn, externalId: "yard" }),
        receipts: { client: access.client(EventBridgeClient, undefined), bus },
      };
    },
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

  it("keeps the predecessor's id on an update, and unregisters when that is deleted", async () => {
    const { resources, sim, settle, told } = createWorld({ type: "set" });
    const PhysicalResourceId = "2021/06/15/[$LATEST]0123";
    const serve = (RequestType: string) => {
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

    await serve("Update");
    await serve("Delete");

    for (const type of ["Update", "Delete"]) {
      expect(sim.answers.findAnswer(type)?.answer).toMatchObject({ Status: "SUCCESS", PhysicalResourceId });
    }
    expect(told().map((event) => event["detail-type"])).toEqual(["consumer.registered", "consumer.unregistered"]);
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

/** One answer of each kind by which a role of some seconds is denied. */
const YOUNG: readonly (readonly [string, keyof typeof TYPES, string, (() => Promise<unknown>) | undefined])[] = [
  ["aws-cdk#37675", "set", "EventBridge.PutEvents", undefined],
  ["aws-sdk#186", "set", "EventBridge.PutEvents", () => Promise.resolve(DENIED_ENTRY)],
  ["aws-cdk#37939", "set", "STS.AssumeRole", undefined],
  ["aws-cdk#18237", "set", "SFN.StartExecution", undefined],
  ["aws-cdk#31429", "bucket", "S3.HeadBucket", undefined],
  ["centralized-logging-with-opensearch#216", "bucket", "S3.CreateBucket", undefined],
  ["terraform-aws-control_tower_account_factory#73", "bucket", "S3.PutBucketPolicy", undefined],
];
const DENIED_ENTRY = {
  FailedEntryCount: 1,
  Entries: [{ ErrorCode: "AccessDeniedException", ErrorMessage: "not authorized" }],
};

function deny(world: ReturnType<typeof createWorld>, operation: string, until: number, answer = refuse): void {
  world.sim.once(operation, async (proceed) => {
    if (world.clock.now() >= until) return proceed();
    deny(world, operation, until, answer);
    return answer();
  });
}

function refuse(): Promise<unknown> {
  return Promise.reject(new SimFault("AccessDenied", 403, "User is not authorized"));
}

describe("a role that is seconds old", () => {
  it.each(YOUNG)("is denied for a while [%s]: %s, %s", async (_report, type, operation, answer) => {
    const world = createWorld({ type, deadlineMs: 180_000 });
    deny(world, operation, world.clock.now() + 20_000, answer);

    const { status } = await world.settle(world.life.create(type === "set" ? PROPERTIES : BUCKET_PROPERTIES));

    expect(status).toBe("CREATE_COMPLETE");
    if (type === "set") expect(world.told().map((event) => event["detail-type"])).toContain("consumer.registered");
  });

  it.each([
    ["set", "EventBridge.PutEvents", /^REGISTRATION_FAILED: The bus \S+receipts did not .* may lack events:PutEvents/],
    ["set", "STS.AssumeRole", /^ACCOUNT_NOT_TRUSTED: .*TriggerInitSetRole/],
    ["set", "SFN.StartExecution", /^INITIAL_SET_FAILED: .* may lack states:StartExecution on arn:/],
    ["bucket", "S3.HeadBucket", /^BUCKET_FOREIGN: .* may lack s3:ListBucket/],
    ["bucket", "S3.PutBucketPolicy", /^FORBIDDEN: .* may lack s3:PutBucketPolicy on stackyard-artifacts/],
  ] as const)("that stays denied is reported with the call and the right: %s %s", async (type, operation, expected) => {
    const world = createWorld({ type, deadlineMs: 180_000 });
    const began = world.clock.now();
    deny(world, operation, Number.POSITIVE_INFINITY);

    const { status, reason } = await world.settle(world.life.create(type === "set" ? PROPERTIES : BUCKET_PROPERTIES));

    expect([status, reason]).toEqual(["CREATE_FAILED", expect.stringMatching(expected)]);
    expect(world.clock.now() - began).toBeLessThan(330_000);
  });

  it("whose registration fails for half a minute is registered", async () => {
    const world = createWorld({ type: "set", deadlineMs: 180_000 });
    deny(world, "EventBridge.PutEvents", world.clock.now() + 25_000, () =>
      Promise.reject(new SimFault("InternalException", 500, "broken")),
    );

    expect((await world.settle(world.life.create(PROPERTIES))).status).toBe("CREATE_COMPLETE");
    expect(world.told()).toHaveLength(1);
  });
});

describe("a service that never answers", () => {
  const silent = () => new Promise<never>(() => undefined);

  it.each([
    ["set", "EventBridge.PutEvents", "EventBridge.PutEvents"],
    ["set", "STS.AssumeRole", "STS.AssumeRole"],
    ["set", "SFN.StartExecution", "SFN.StartExecution"],
    ["bucket", "S3.HeadBucket", "S3.HeadBucket"],
    ["bucket", "S3.PutBucketVersioning", "S3.PutBucketVersioning"],
  ] as const)("is named before the function ends [aws-cdk#2126]: %s %s", async (type, operation, named) => {
    const world = createWorld({ type, deadlineMs: 60_000 });
    const began = world.clock.now();
    deny(world, operation, Number.POSITIVE_INFINITY, silent);

    const create = await world.settle(world.life.create(type === "set" ? PROPERTIES : BUCKET_PROPERTIES));

    expect([create.status, create.reason]).toEqual([
      "CREATE_FAILED",
      expect.stringContaining(`${named} did not answer`),
    ]);
    expect(world.sim.answers.uploads).toHaveLength(2);
    expect(create.followedBy.map(({ status }) => status)).toEqual(["DELETE_COMPLETE"]);
    expect(world.clock.now() - began).toBeLessThan(2 * 60_000);
  });

  it("does not stop the deletion of a consumer [copilot-cli#4868]", async () => {
    const world = createWorld({ type: "set", deadlineMs: 60_000 });
    await world.settle(world.life.create(PROPERTIES));
    const began = world.clock.now();
    deny(world, "EventBridge.PutEvents", Number.POSITIVE_INFINITY, silent);

    const { status, reason } = await world.settle(world.life.delete());

    expect([status, reason]).toEqual(["DELETE_COMPLETE", expect.stringContaining("EventBridge.PutEvents did not")]);
    expect(world.clock.now() - began).toBeLessThan(60_000);
  });

  it("is looked for again where Step Functions does not show it yet [azul#880]", async () => {
    const definition = { StartAt: "Wait", States: { Wait: { Type: "Wait", Seconds: 100, End: true } } };
    const world = createWorld({ type: "set", definition, deadlineMs: 400_000 });
    const unseen = () => Promise.reject(new SimFault("ExecutionDoesNotExist", 400, "Execution Does Not Exist"));
    deny(world, "SFN.DescribeExecution", world.clock.now() + 30_000, unseen);

    const { status } = await world.settle(world.life.create({ ...PROPERTIES, WaitForInitialSet: true }));

    expect(status).toBe("CREATE_COMPLETE");
  });

  it("is checked again while the set is awaited", async () => {
    const definition = { StartAt: "Wait", States: { Wait: { Type: "Wait", Seconds: 100, End: true } } };
    const world = createWorld({ type: "set", definition, deadlineMs: 400_000 });
    deny(world, "SFN.DescribeExecution", world.clock.now() + 60_000, silent);

    const { status, reason } = await world.settle(world.life.create({ ...PROPERTIES, WaitForInitialSet: true }));

    expect([status, reason]).toEqual(["CREATE_COMPLETE", expect.anything()]);
  });
});

describe("a broken configuration", () => {
  it.each(["set", "bucket"] as const)("is reported, and does not stop the way back: %s", async (type) => {
    const world = createWorld({ type, isBroken: true });

    const created = await world.settle(world.life.create(type === "set" ? PROPERTIES : BUCKET_PROPERTIES));

    expect([created.status, created.reason]).toEqual(["CREATE_FAILED", "CONFIG_INVALID: X is not set."]);
    expect(created.followedBy.map(({ status }) => status)).toEqual(["DELETE_COMPLETE"]);
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
