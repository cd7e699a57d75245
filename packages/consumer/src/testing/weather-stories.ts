import { S3Client } from "@aws-sdk/client-s3";
import { createAwsSim, createResourceLife, createSimPlugin, watchSim } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createFakeClock, type Ending, letTimePass, type Sky, type Story } from "@stackyard/core/testing";
import { createConsumerResources } from "../function/resources/consumer-resources.ts";
import { aDelivery, BUCKET, type ConsumerWorld, createConsumerWorld } from "./a-consumer.ts";
import { aBody, aRecord, KEY } from "./a-message.ts";

const MINUTE_MS = 60_000;
/** The queue of the template hands a message over so often, then it is in the dead-letter queue. */
const MAX_RECEIVES = 50;
/** The distributor announces a file again while no receipt has come. */
const ANNOUNCED_EVERY_MS = 60 * MINUTE_MS;

/** Delivers the announcement as the queue does, until the consumer is done with it. */
async function receive(world: ConsumerWorld, sky: Sky, id: string): Promise<void> {
  const { consumer } = world.start();
  for (let count = 1; count <= MAX_RECEIVES; count += 1) {
    const record = { ...aDelivery(aRecord(aBody()), id, count), receiptHandle: "handle" };
    const deliver = () =>
      consumer.onMessages({ Records: [record] }, { deadlineAt: world.clock.now() + 15 * MINUTE_MS });
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

/** A consumer that copies one announced file. */
const copies: Story = {
  name: "consumer-copies",
  async play(sky) {
    const world = createConsumerWorld();
    sky.under(world.clock, world.clock.advance);
    watchSim(world.sim, sky);
    await letTimePass(world.clock, receive(world, sky, "m-1"));
    await sky.clear();
    await world.clock.advance(ANNOUNCED_EVERY_MS);
    if (!isReceived(world)) await letTimePass(world.clock, receive(world, sky, "m-2"));
    return toEnding(world);
  },
};

const PLACE = { account: "444455556666", region: "eu-central-1" };
const OWN = `stackyard-artifacts-${PLACE.account}-${PLACE.region}`;
/** A bucket that CloudFormation did not make. */
const OTHERS = "someone-elses";

/** The custom resource of a consumer's bucket, as CloudFormation creates and deletes it. */
function openBucket(sky: Sky) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: PLACE.account, name: "function" });
  const s3 = new S3Client({ region: PLACE.region, credentials, maxAttempts: 1 });
  s3.middlewareStack.use(createSimPlugin(sim));
  const fetch: typeof globalThis.fetch = async (url, init) => {
    const send = () => sim.answers.fetch(String(url), init);
    return (await sky.meet("CloudFormation.Response", {}, send)) as Response;
  };
  const resources = createConsumerResources({ ...PLACE, clock, logger: silentLogger, fetch, bucket: () => ({ s3 }) });
  const life = createResourceLife({
    ...PLACE,
    clock,
    endpoint: sim.answers,
    logicalId: "Bucket",
    invoke: (request) =>
      resources.onResource(
        { ...Object(request), ResourceType: "Custom::AdoptedBucket" },
        { deadlineAt: clock.now() + 15 * MINUTE_MS },
      ),
  });
  sky.under(clock, clock.advance);
  return { clock, sim, life };
}

/** A bucket with files that is emptied and deleted with its stack. */
const empties: Story = {
  name: "consumer-bucket-emptied",
  decisions: [
    {
      finding: /^denied( 2 min)? at S3.PutBucketTagging: (true|left): /,
      reason: "A bucket that may not be tagged is kept, as one that existed. The reason of the deletion says so.",
    },
    {
      finding: /^denied( 2 min)? at S3.HeadBucket: (true|left): /,
      reason: "S3 answers alike for a bucket of another account. It is kept, and the reason of the deletion says so.",
    },
  ],
  async play(sky) {
    const { clock, sim, life } = openBucket(sky);
    sim.s3.createBucket({ ...PLACE, name: OTHERS });
    watchSim(sim, sky);
    const created = await letTimePass(clock, life.create({ BucketName: OWN, EmptyOnDelete: "true" }));
    const isMade = sim.s3.hasBucket(OWN);
    for (const key of ["a", "b", "c"]) if (isMade) sim.s3.write(OWN, key, "x");
    sim.s3.write(OTHERS, "a", "x");
    sky.phase("delete");
    const deleted = created.status === "CREATE_COMPLETE" ? await letTimePass(clock, life.delete()) : created;
    const isGone = !sim.s3.hasBucket(OWN);
    return {
      verdict: deleted.status === "DELETE_COMPLETE" ? "succeeded" : "failed",
      truth: isMade && isGone ? "succeeded" : "failed",
      said: `${created.status}, ${deleted.status} ${deleted.reason ?? ""}`,
      begun: {},
      ended: [],
      // A deletion that failed is listed by CloudFormation.
      left: deleted.status === "DELETE_COMPLETE" && !isGone ? ["the bucket"] : [],
      foreign: sim.s3.findObject(OTHERS, "a") === undefined ? ["a file of someone else"] : [],
      views: {},
    };
  },
};

/** The stories of consumers. */
export const consumerStories: readonly Story[] = [copies, empties];
