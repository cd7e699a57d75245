import { PutBucketLifecycleConfigurationCommand, S3Client } from "@aws-sdk/client-s3";
import {
  type AwsSim,
  createAwsSim,
  createResourceLife,
  createSimPlugin,
  type ResourceLife,
  watchSim,
} from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import {
  createFakeClock,
  createFreezableProgram,
  createMemoryRecords,
  type Ending,
  letTimePass,
  type Sky,
  type Story,
  watchRecordsOf,
} from "@stackyard/core/testing";
import type { SqsEvent } from "../function/record-context.ts";
import { createConsumerResources } from "../function/resources/consumer-resources.ts";
import { aDelivery, BUCKET, type ConsumerWorld, createConsumerWorld } from "./a-consumer.ts";
import { aBody, aRecord, aUrl, KEY } from "./a-message.ts";

const MINUTE_MS = 60_000;
const FAIR_MS = 2 * 60 * MINUTE_MS;
/** The time of a stack from its creation to its deletion. */
const LIVES_MS = 60 * MINUTE_MS;
/** The queue of the template hands a message over so often, then it is in the dead-letter queue. */
const MAX_RECEIVES = 50;
/** The distributor announces a file again while no receipt has come. */
const ANNOUNCED_EVERY_MS = 60 * MINUTE_MS;

/** The distributor signs a new URL for each announcement. */
function announce(now: number): Record<string, unknown> {
  const [issuedAt, urlExpiresAt] = [now, now + ANNOUNCED_EVERY_MS].map((at) => new Date(at).toISOString());
  const signedAt = issuedAt?.replaceAll(/[-:]|\.\d+/g, "");
  return aBody({ ArtifactUrl: aUrl({ "X-Amz-Date": signedAt }), issuedAt, urlExpiresAt });
}

/** Delivers the announcement as the queue does, until the consumer is done with it. */
async function receive(world: ConsumerWorld, sky: Sky, id: string): Promise<void> {
  const call = createFreezableProgram(world.clock, (own) => {
    const { consumer } = world.start(undefined, own);
    return (event: SqsEvent) => consumer.onMessages(event, { deadlineAt: own.now() + 15 * MINUTE_MS });
  });
  const body = announce(world.clock.now());
  for (let count = 1; count <= MAX_RECEIVES; count += 1) {
    const record = { ...aDelivery(aRecord(body), id, count), receiptHandle: "handle" };
    const deliver = () => call({ Records: [record] });
    const answer = await sky.meet("delivery.message", { key: KEY }, deliver).catch(() => undefined);
    if (Object(answer).batchItemFailures?.length === 0) return;
    await world.clock.advance(5 * MINUTE_MS);
  }
}

const listStatuses = (world: ConsumerWorld) => world.events().map(({ detail }) => String(detail["status"]));
const isReceived = (world: ConsumerWorld) => listStatuses(world).some((status) => /^(stored|present)$/.test(status));

function toEnding(world: ConsumerWorld): Ending {
  const isStored = world.sim.s3.findObject(BUCKET, KEY) !== undefined;
  return {
    verdict: isReceived(world) ? "succeeded" : "unknown",
    truth: isStored ? "succeeded" : "failed",
    said: listStatuses(world).join(", "),
    begun: {},
    ended: [],
    left: !isReceived(world) && world.parked().length === 0 ? ["a copy without a receipt"] : [],
    foreign: [],
    views: {},
  };
}

/** Plays a consumer that copies one announced file. `isDropped`: it reports a copy that it has not kept. */
function playCopies(isDropped = false): Story["play"] {
  return async (sky) => {
    const world = createConsumerWorld({ records: watchRecordsOf(createMemoryRecords(), sky) });
    sky.under(world.clock, world.clock.advance);
    watchSim(world.sim, sky);
    await letTimePass(world.clock, receive(world, sky, "m-1"));
    await sky.clear();
    await world.clock.advance(ANNOUNCED_EVERY_MS);
    if (!isReceived(world)) await letTimePass(world.clock, receive(world, sky, "m-2"));
    if (isDropped) world.sim.s3.remove(BUCKET, KEY);
    return toEnding(world);
  };
}

const copies: Story = {
  name: "consumer-copies",
  reported: [{ report: "Nike-Inc/cerberus PR 98", at: "S3.PutObject#1", weather: "key disabled" }],
  play: playCopies(),
  decisions: [
    {
      finding: /^gone at S3.PutObject: true: /,
      reason: "A copy that someone deletes after it was stored is found by `artifacts verify`, and sent again.",
    },
  ],
  planted: [{ bug: "a receipt for a copy that was not kept", invariant: "true", play: playCopies(true) }],
};

const PLACE = { account: "444455556666", region: "eu-central-1" };
const OWN = `stackyard-artifacts-${PLACE.account}-${PLACE.region}`;
/** A bucket that CloudFormation did not make. */
const OTHERS = "someone-elses";

/** The custom resource of a consumer's bucket, as CloudFormation creates and deletes it. */
function openBucket(sky: Sky, isSkipped: boolean) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: PLACE.account, name: "function" });
  const s3 = new S3Client({ region: PLACE.region, credentials, maxAttempts: 1 });
  s3.middlewareStack.use(createSimPlugin(sim));
  const fetch: typeof globalThis.fetch = async (url, init) => {
    const send = () => sim.answers.fetch(String(url), init);
    return (await sky.meet("CloudFormation.Response", {}, send)) as Response;
  };
  const options = { ...PLACE, logger: silentLogger, fetch, bucket: () => ({ s3 }) };
  const call = createFreezableProgram(clock, (own) => {
    const resources = createConsumerResources({ ...options, clock: own });
    return (request: unknown) => resources.onResource(request, { deadlineAt: own.now() + 15 * MINUTE_MS });
  });
  const life = createResourceLife({
    ...PLACE,
    clock,
    endpoint: sim.answers,
    logicalId: "Bucket",
    invoke: (request) => {
      const isKept = isSkipped && Object(request).RequestType === "Delete";
      const typed = { ...Object(request), ResourceType: "Custom::AdoptedBucket" };
      return call(isKept ? { ...typed, ResourceProperties: {} } : typed);
    },
  });
  sky.under(clock, clock.advance);
  return { clock, sim, s3, life };
}

function writeFiles({ s3 }: AwsSim, bucket: string, keys: readonly string[]): void {
  for (const key of keys) s3.write(bucket, key, "x");
}

/** Plays the life of a bucket with files, which is emptied and deleted with its stack. `isSkipped`: the deletion keeps it. */
function playEmptying(isSkipped = false): Story["play"] {
  return async (sky) => {
    const { clock, sim, life } = openBucket(sky, isSkipped);
    sim.s3.createBucket({ ...PLACE, name: OTHERS });
    watchSim(sim, sky);
    const created = await letTimePass(clock, life.create({ BucketName: OWN, EmptyOnDelete: "true" }));
    const isMade = sim.s3.hasBucket(OWN);
    if (isMade) writeFiles(sim, OWN, ["a", "b", "c"]);
    writeFiles(sim, OTHERS, ["a"]);
    // Lambda ends a creation after minutes. One that it repeats later cannot know that its stack is gone.
    await clock.advance(LIVES_MS);
    sky.phase("delete");
    const beganAt = clock.now();
    const deleted = created.status === "CREATE_COMPLETE" ? await letTimePass(clock, life.delete()) : created;
    const tookMs = clock.now() - beganAt;
    await sky.clear();
    await clock.advance(FAIR_MS);
    return toEmptied({ sim, isMade, tookMs }, created, deleted);
  };
}

interface Emptied {
  readonly sim: AwsSim;
  readonly isMade: boolean;
  /** The time of the deletion. */
  readonly tookMs: number;
}

type Stack = Awaited<ReturnType<ResourceLife["create"]>>;

/** S3 knows whether the bucket is gone. A deletion that failed is listed by CloudFormation. */
function toEmptied({ sim, isMade, tookMs }: Emptied, created: Stack, { status, reason = "" }: Stack): Ending {
  const isGone = !sim.s3.hasBucket(OWN);
  const isDone = status === "DELETE_COMPLETE";
  // What may not be deleted is not tried for long.
  const isPatient = tookMs > 10 * MINUTE_MS || reason.includes("not authorized");
  const isGivenUp = status === "DELETE_FAILED" && !isPatient;
  return {
    verdict: isDone ? "succeeded" : "failed",
    truth: isMade && isGone ? "succeeded" : "failed",
    said: `${created.status}, ${status} ${reason}`,
    begun: {},
    ended: [],
    left: [...(isDone && !isGone ? ["the bucket"] : []), ...(isGivenUp ? ["a bucket that S3 could delete later"] : [])],
    foreign: sim.s3.findObject(OTHERS, "a") === undefined ? ["a file of someone else"] : [],
    views: {},
  };
}

const STOPPED =
  "The bucket and its tag are made by two calls. A bucket whose creator has stopped between them is kept, as one that existed. The reason of the deletion says so.";

const empties: Story = {
  name: "consumer-bucket-emptied",
  reported: [{ report: "aws/aws-rfdk#409, adobe-platform/porter#29", at: "S3.DeleteBucket#1", weather: "expired" }],
  play: playEmptying(),
  planted: [{ bug: "the deletion keeps the bucket", invariant: "left", play: playEmptying(true) }],
  decisions: [
    {
      finding: /^gone at S3.PutBucketPolicy: true: /,
      reason: "A bucket that someone deletes after the stack has made it is gone. The reason of the deletion says so.",
    },
    {
      finding: /^frozen 20 h at S3.(CreateBucket|GetBucketTagging): (true|left): /,
      reason: STOPPED,
    },
    {
      finding: /\bfrozen 2 min at S3.(CreateBucket|GetBucketTagging)\b.*: (true|left): /,
      isOfPairs: true,
      reason: STOPPED,
    },
    {
      finding: /^frozen 20 h at S3.HeadBucket: (true|left): /,
      reason:
        "Lambda ends an invocation after fifteen minutes. One that continued after the deletion of its stack would create an empty bucket, with its tags.",
    },
    {
      finding: /^(untrusted|denied( 20? min)?) at S3.PutBucketTagging: (true|left): /,
      reason: "A bucket that may not be tagged is kept, as one that existed. The reason of the deletion says so.",
    },
    {
      finding: /^(untrusted|denied( 20? min)?) at S3.HeadBucket: (true|left): /,
      reason: "S3 answers alike for a bucket of another account. It is kept, and the reason of the deletion says so.",
    },
    {
      finding: /^throttled 5 min at CloudFormation.Response: true: /,
      reason:
        "An answer is sent again for four minutes. The deletion is listed as failed, and succeeds when it is repeated.",
    },
  ],
};

const THEIRS = "theirs";
/** As buckets from before 2016 have it: `Prefix` instead of `Filter` (S3 API reference, LifecycleRule). */
const OLD_RULE = { ID: "logs", Prefix: "logs/", Status: "Enabled", Expiration: { Days: 30 } } as const;

/**
 * Plays a stack that takes over a bucket with files and a lifecycle rule of the old form, and is deleted. `isEmptied`: the
 * deletion empties the bucket.
 */
function playAdopting(isEmptied = false): Story["play"] {
  return async (sky) => {
    const { clock, sim, s3, life } = openBucket(sky, false);
    sim.s3.createBucket({ ...PLACE, name: OWN });
    writeFiles(sim, OWN, [THEIRS]);
    const rules = { Rules: [OLD_RULE] };
    await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket: OWN, LifecycleConfiguration: rules }));
    watchSim(sim, sky);
    const created = await letTimePass(clock, life.create({ BucketName: OWN, EmptyOnDelete: "true" }));
    await clock.advance(LIVES_MS);
    sky.phase("delete");
    const deleted = await letTimePass(clock, life.delete());
    await sky.clear();
    await clock.advance(FAIR_MS);
    if (isEmptied) sim.s3.remove(OWN, THEIRS);
    const settings = sim.s3.settings(OWN);
    const isAdopted = created.status === "CREATE_COMPLETE";
    // Only a bucket that may not be tagged is complete without its tags.
    const wanted = ["PublicAccessBlock", "BucketPolicy", ...(isAdopted ? [] : ["BucketTagging"])];
    const isComplete = wanted.every((name) => name in settings);
    // The bucket and its rule are valid, so an answer which says that they are not is untrue.
    const isRefused = created.reason?.includes("CONFIG_INVALID") === true;
    return {
      verdict: isAdopted ? "succeeded" : "failed",
      truth: isComplete || isRefused ? "succeeded" : "failed",
      said: `${created.status} ${created.reason}, ${deleted.status} ${deleted.reason}`,
      begun: {},
      ended: [],
      left: [],
      foreign: isTheirs(sim) ? [] : ["a file that is older than the stack"],
      views: {},
    };
  };
}

function isTheirs({ s3, calls }: AwsSim): boolean {
  const isAsked = calls.some(({ operation }) => /^S3\.Delete(Object|Bucket)/.test(operation));
  return s3.findObject(OWN, THEIRS) !== undefined && !isAsked;
}

const adopts: Story = {
  name: "consumer-bucket-adopted",
  reported: [
    {
      report: "hashicorp/terraform-provider-aws#7628, #36873, #33478",
      at: "S3.PutBucketPolicy#1",
      weather: "busy OperationAborted 10 min",
    },
    { report: "hashicorp/terraform-provider-aws#12907, #10068", at: "S3.PutBucketPolicy#1", weather: "gone" },
  ],
  play: playAdopting(),
  decisions: [
    {
      finding: /^throttled 5 min at CloudFormation.Response: true: /,
      reason: "An answer is sent again for four minutes. The creation is listed as failed, and the bucket is kept.",
    },
    {
      finding: /\b(untrusted|denied( 20? min)?) at S3\..*: true: the verdict is failed/,
      isOfPairs: true,
      reason:
        "The invocation that is denied answers that the creation has failed, and why. Another one of the same creation has completed the bucket, or does so afterwards. The bucket is kept, and the next creation adopts it.",
    },
  ],
  planted: [{ bug: "the deletion empties a bucket that is older", invariant: "foreign", play: playAdopting(true) }],
};

/** The stories of consumers. */
export const consumerStories: readonly Story[] = [copies, empties, adopts];
