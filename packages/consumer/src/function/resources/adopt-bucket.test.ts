import {
  DeleteBucketCommand,
  PutBucketAclCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { createAwsSim, createResourceLife, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createConsumerResources } from "./consumer-resources.ts";

const [account, region] = ["444455556666", "eu-central-1"];
const BUCKET = `stackyard-artifacts-${account}-${region}`;
const MINUTE = 60_000;

function createBucketWorld({ invocationMs = Number.POSITIVE_INFINITY } = {}) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account, name: "function" });
  const s3 = new S3Client({ region, credentials, maxAttempts: 1 });
  s3.middlewareStack.use(createSimPlugin(sim));
  const resources = createConsumerResources({
    account,
    region,
    clock,
    logger: silentLogger,
    fetch: (url, init) => sim.answers.fetch(String(url), init),
    bucket: () => ({ s3 }),
  });
  const life = createResourceLife({
    clock,
    endpoint: sim.answers,
    region,
    account,
    logicalId: "Resource",
    invoke: (request) => {
      const event = { ...Object(request), ResourceType: "Custom::AdoptedBucket" };
      return resources.onResource(event, { deadlineAt: clock.now() + invocationMs });
    },
  });

  /** Lets time pass while the work sleeps. */
  async function settle<Result>(work: Promise<Result>): Promise<Result> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    for (let step = 0; step < 20_000 && !isDone; step += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = clock.nextWakeAt();
      if (!isDone && next !== undefined && next - clock.now() < 10 * MINUTE)
        await clock.advance(Math.max(0, next - clock.now()));
    }
    return done;
  }

  const put = (Key: string) => s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: "x" }));
  const writes = () => sim.calls.filter(({ operation }) => /^S3\.(Put|Create|Delete)/.test(operation)).length;
  return { clock, sim, s3, life, settle, put, writes };
}

/** A bucket that the stack has created, with three objects. */
async function createFilled(options: Parameters<typeof createBucketWorld>[0] = {}) {
  const world = createBucketWorld(options);
  const { status } = await world.settle(world.life.create({ BucketName: BUCKET, EmptyOnDelete: "true" }));
  for (const key of ["a", "b", "c"]) await world.put(key);
  expect(status).toBe("CREATE_COMPLETE");
  return world;
}

const toErrors = (Code: string) => async () => ({ Errors: [{ Key: "a", Code, Message: "Please try again." }] });
const toFault = (code: string, status: number) => () => Promise.reject(new SimFault(code, status, "Please try again."));

describe("a bucket whose creation is tried twice", () => {
  it.each([
    ["S3.CreateBucket", true],
    ["S3.PutBucketVersioning", false],
  ])("is the stack's own after a failed %s, and is emptied with it", async (operation, isServed) => {
    const world = createBucketWorld();
    world.sim.once(operation, async (proceed) => {
      if (isServed) await proceed();
      throw new SimFault("SlowDown", 503, "Please reduce your request rate.");
    });
    const { reason } = await world.settle(world.life.create({ BucketName: BUCKET, EmptyOnDelete: "true" }));
    await world.put("a");

    await world.settle(world.life.delete());

    expect(reason).not.toContain("Adopted");
    expect(world.sim.s3.hasBucket(BUCKET)).toBe(false);
  });
});

it("is the stack's own bucket when a process has created it, and another one sets it up", async () => {
  const { life, sim, settle, put } = createBucketWorld();
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  sim.once("S3.GetPublicAccessBlock", () => {
    stop();
    return new Promise(() => undefined);
  });
  const created = life.create({ BucketName: BUCKET, EmptyOnDelete: "true" });
  await stopped;
  await settle(life.repeat(life.requests[0]?.RequestId ?? ""));
  await settle(created);
  await put("a");

  await settle(life.delete());

  expect(sim.s3.hasBucket(BUCKET)).toBe(false);
});

describe("a deletion with EmptyOnDelete", () => {
  // go-to-k/delstack#114, aws/aws-cdk#21776, #20660, aws-solutions/workload-discovery-on-aws#30
  it("empties the bucket again when an object arrives before DeleteBucket", async () => {
    const { sim, life, settle, put } = await createFilled();
    sim.once("S3.DeleteBucket", async (proceed) => {
      await put("late");
      return proceed();
    });

    expect(await settle(life.delete())).toMatchObject({
      status: "DELETE_COMPLETE",
      reason: "The bucket was emptied and deleted.",
    });
    expect(sim.s3.hasBucket(BUCKET)).toBe(false);
  });

  it.each([
    ["one key: InternalError", "S3.DeleteObjects", toErrors("InternalError")],
    ["one key: SlowDown", "S3.DeleteObjects", toErrors("SlowDown")],
    ["all keys: SlowDown", "S3.DeleteObjects", toFault("SlowDown", 503)],
    ["a list: ServiceUnavailable", "S3.ListObjectVersions", toFault("ServiceUnavailable", 503)],
    ["the bucket: OperationAborted", "S3.DeleteBucket", toFault("OperationAborted", 409)],
    ["its owner: SlowDown", "S3.HeadBucket", toFault("SlowDown", 503)],
    ["its tags: SlowDown", "S3.GetBucketTagging", toFault("SlowDown", 503)],
  ])("continues when S3 cannot do it now: %s", async (_, operation, answer) => {
    const { sim, life, settle } = await createFilled();
    for (let times = 0; times < 6; times += 1) sim.once(operation, answer);

    expect(await settle(life.delete())).toMatchObject({
      status: "DELETE_COMPLETE",
      reason: "The bucket was emptied and deleted.",
    });
    expect(sim.s3.hasBucket(BUCKET)).toBe(false);
  });

  it.each(["S3.ListObjectVersions", "S3.DeleteObjects", "S3.DeleteBucket"])(
    "has ended when another one was faster, at %s (workload-discovery-on-aws#545)",
    async (operation) => {
      const { sim, life, settle } = await createFilled();
      sim.once(operation, toFault("NoSuchBucket", 404));

      expect(await settle(life.delete())).toMatchObject({ status: "DELETE_COMPLETE" });
    },
  );

  it("names what S3 could not do until the end of its time, and continues with the next deletion", async () => {
    const { sim, life, settle, clock } = await createFilled({ invocationMs: 15 * MINUTE });
    let isDown = true;
    const down = async (proceed: () => Promise<unknown>): Promise<unknown> => {
      sim.once("S3.DeleteObjects", down);
      return isDown ? toErrors("SlowDown")() : proceed();
    };
    sim.once("S3.DeleteObjects", down);
    const began = clock.now();

    const failed = await settle(life.delete());
    const tookMs = clock.now() - began;
    isDown = false;
    const done = await settle(life.delete());

    expect(failed).toMatchObject({
      status: "DELETE_FAILED",
      reason: `TIMED_OUT: The bucket ${BUCKET} is not empty yet. Delete the stack again to continue. The last answer of S3: SlowDown for "a".`,
    });
    expect(tookMs).toBeGreaterThan(14 * MINUTE);
    expect(done.status).toBe("DELETE_COMPLETE");
  });

  it("ends at once, with a key, where it may not delete", async () => {
    const { sim, life, settle, clock } = await createFilled();
    sim.once("S3.DeleteObjects", toErrors("AccessDenied"));
    const began = clock.now();

    const { status, reason } = await settle(life.delete());

    expect(status).toBe("DELETE_FAILED");
    expect(reason).toBe('LEFT_BEHIND: AccessDenied: 1 objects could not be deleted, such as "a".');
    expect(clock.now() - began).toBeLessThan(MINUTE);
  });

  it("keeps a bucket that existed before the stack, until an update sets it", async () => {
    const { sim, life, settle } = createBucketWorld();
    sim.s3.createBucket({ account, region, name: BUCKET });
    sim.s3.write(BUCKET, "theirs", "1");
    const properties = { BucketName: BUCKET, EmptyOnDelete: "true" };
    await settle(life.create(properties));

    const kept = await settle(life.delete());
    await settle(life.create(properties));
    await settle(life.update({ ...properties, Other: "1" }));
    const emptied = await settle(life.delete());

    expect([kept.status, kept.reason]).toEqual(["DELETE_COMPLETE", expect.stringContaining("are kept")]);
    expect([emptied.status, sim.s3.hasBucket(BUCKET)]).toEqual(["DELETE_COMPLETE", false]);
  });

  it.each(["false", undefined])(
    "keeps a bucket that an update has set to %s before the resource is deleted (aws-cdk#16603)",
    async (EmptyOnDelete) => {
      const { sim, life, settle } = await createFilled();
      await settle(life.update({ BucketName: BUCKET, ...(EmptyOnDelete && { EmptyOnDelete }) }));

      const { status } = await settle(life.delete());

      expect([status, sim.s3.hasBucket(BUCKET)]).toEqual(["DELETE_COMPLETE", true]);
    },
  );

  it("keeps a bucket that has no room for the mark", async () => {
    const { sim, s3, life, settle } = createBucketWorld();
    sim.s3.createBucket({ account, region, name: BUCKET });
    const TagSet = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: "" }));
    await s3.send(new PutBucketTaggingCommand({ Bucket: BUCKET, Tagging: { TagSet } }));
    await settle(life.create({ BucketName: BUCKET }));
    await settle(life.update({ BucketName: BUCKET, EmptyOnDelete: "true" }));

    expect((await settle(life.delete())).status).toBe("DELETE_COMPLETE");
    expect(sim.s3.hasBucket(BUCKET)).toBe(true);
  });
});

describe("an adoption", () => {
  it("fails when someone deletes the empty bucket before it is complete", async () => {
    const { sim, s3, life, settle } = createBucketWorld();
    sim.s3.createBucket({ account, region, name: BUCKET });
    sim.once("S3.PutBucketPolicy", async (proceed) => {
      await proceed();
      return s3.send(new DeleteBucketCommand({ Bucket: BUCKET }));
    });

    expect((await settle(life.create({ BucketName: BUCKET }))).status).toBe("CREATE_FAILED");
  });

  // aws/aws-sdk-ruby#1653, #1623, cloud-custodian/cloud-custodian#5826, hashicorp/terraform-provider-aws#23299
  it("of a bucket with a lifecycle rule of the old form keeps that rule", async () => {
    const { sim, s3, life, settle } = createBucketWorld();
    sim.s3.createBucket({ account, region, name: BUCKET });
    const old = { ID: "expire", Status: "Enabled" as const, Prefix: "tmp/", Expiration: { Days: 30 } };
    const LifecycleConfiguration = { Rules: [old] };
    await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket: BUCKET, LifecycleConfiguration }));

    const { status, reason } = await settle(life.create({ BucketName: BUCKET }));

    expect([status, reason]).toEqual(["CREATE_COMPLETE", "Adopted the existing bucket."]);
    expect(sim.s3.settings(BUCKET)["BucketLifecycleConfiguration"]).toMatchObject({
      LifecycleConfiguration: { Rules: [old, { ID: "stackyard-end-uploads", Prefix: "" }] },
    });
  });

  it.each([
    [
      "an ACL lets another account in",
      new PutBucketAclCommand({
        Bucket: BUCKET,
        AccessControlPolicy: {
          Owner: { ID: account },
          Grants: [{ Grantee: { ID: "other", Type: "CanonicalUser" }, Permission: "READ" }],
        },
      }),
      /its ACL grants access to others \(1\)\. .*put-bucket-acl --acl private/,
    ],
    [
      "a policy is public",
      new PutBucketPolicyCommand({
        Bucket: BUCKET,
        Policy: JSON.stringify({
          Statement: { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "*" },
        }),
      }),
      /its policy makes it public/,
    ],
    [
      "a policy is full",
      new PutBucketPolicyCommand({ Bucket: BUCKET, Policy: JSON.stringify({ Id: "x".repeat(20_300) }) }),
      /its policy has no room/,
    ],
  ])("is refused before its first write where %s", async (_, setting, expected) => {
    const { sim, s3, life, settle, writes } = createBucketWorld();
    sim.s3.createBucket({ account, region, name: BUCKET });
    await s3.send(setting as PutBucketPolicyCommand);
    const before = writes();

    const { status, reason } = await settle(life.create({ BucketName: BUCKET }));

    expect([status, reason]).toEqual(["CREATE_FAILED", expect.stringMatching(expected)]);
    expect(reason).toMatch(/^CONFIG_INVALID: The bucket \S+ cannot be adopted: .*TargetBucket/);
    expect(writes()).toBe(before);
  });
});
