import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { PublishCommand } from "@aws-sdk/client-sns";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { type Act, findBroken } from "./act.ts";
import { digestStored, listFiles } from "./check-buckets.ts";
import { findSide } from "./consumer-side.ts";
import { CONSUMERS, DISTRIBUTOR, PREDECESSOR, SOURCE_BUCKET } from "./places.ts";
import { findCell, listCurrent, MINUTE_MS, upload, type Version, waitUntilCovered } from "./publish.ts";
import type { World } from "./world.ts";

const PAGE = "uploads/site/dev/7/index.html";
const OLD = "<h1>seven</h1>";
const NEW = "<h1>eight</h1>";

/** Bytes that are not those that were announced, three times. */
export const falsehood: Act = {
  name: "wrong digest",
  title: "A file is written over that others have put there; what arrives in virginia are other bytes, each time.",
  async run(world) {
    await upload(world, PAGE, OLD);
    const first = { name: "site/dev/index.html", version: "7" };
    const { isCovered: isThere } = await waitUntilCovered(world, first);
    const { accessKeyId: reader, bucket: virginia } = findSide(world, CONSUMERS.virginia);
    const heal = world.wire.harm({ key: PAGE, kind: "wrong bytes", reader });
    const firstAt = world.yard.clock.now();
    await world.passUntil(async () => world.yard.clock.now() > firstAt, MINUTE_MS);
    await upload(world, PAGE, NEW);
    await world.settle();
    const second = await findNewest(world, first);
    const failed = async () => (await findCell(world, second, CONSUMERS.virginia))?.status === "failed";
    const hasFailed = await world.passUntil(failed, 300 * MINUTE_MS);
    const cell = await findCell(world, second, CONSUMERS.virginia);
    const stood = textAt(world, virginia, PAGE);
    heal();
    const { messages } = await world.distributor.call({ op: "refresh", ...second });
    const { isCovered, told } = await waitUntilCovered(world, second);
    return {
      told: [
        `After three tries it is "${cell?.status}" (${cell?.code}), and the old page stands.`,
        `stackyard artifacts refresh ${second.name} ${second.version} sent ${messages} message. ${told}`,
      ],
      faults: findBroken({
        "the first page stands everywhere": isThere,
        "it has failed": hasFailed && cell?.code === "SHA256_MISMATCH",
        "the old object stays": stood === OLD,
        "it is everywhere at the end": isCovered && textAt(world, virginia, PAGE) === NEW,
      }),
    };
  },
};

/** A message of the predecessor's distributor. */
export const predecessor: Act = {
  name: "first version",
  title: "A distributor of the first version announces a template: two fields, and no digest.",
  async run(world) {
    const key = "legacy/shop/dev/40/packaged.yaml";
    const text = `AWSTemplateFormatVersion: "2010-09-09"\nResources: { A: { Bucket: ${SOURCE_BUCKET} } }\n`;
    world.sim.s3.write(SOURCE_BUCKET, key, text);
    const Message = JSON.stringify({ ArtifactKey: key, ArtifactUrl: await sign(world, key) });
    const request = { TopicArn: world.distributor.topicArn, MessageAttributes: toAll(), Message };
    await world.clients.sns.send(new PublishCommand(request));
    const textsThere = () => world.consumers.flatMap(({ bucket }) => textAt(world, bucket, key) ?? []);
    const receipts = () => world.distributor.receipts.filter(({ detail }) => Object(detail["artifact"]).key === key);
    const count = world.consumers.length;
    // A receipt follows its file.
    const isTold = () =>
      textsThere().length === count && new Set(receipts().map(({ account }) => account)).size === count;
    await world.passUntil(async () => isTold(), 10 * MINUTE_MS);
    const isRewritten = world.consumers.every(({ bucket }) => {
      return textAt(world, bucket, key) === text.replace(SOURCE_BUCKET, bucket);
    });
    const isUnverified = receipts().every(({ detail }) => detail["verified"] === false);
    return {
      told: [
        `It is in ${textsThere().length} places, each with its own bucket's name in it, and marked as not verified.`,
      ],
      faults: findBroken({
        "all consumers stored it and reported it": isTold(),
        "the bucket's name was rewritten": isRewritten,
        "its receipts say that nothing was verified": isUnverified,
      }),
    };
  },
};

/** Our messages, read by a consumer of the first version. */
export const oldReader: Act = {
  name: "old reader",
  title: "An account installs a consumer of the first version, london, which requests the initial set like before.",
  async run(world) {
    const old = await world.installOld(PREDECESSOR);
    const versions = await listCurrent(world);
    const files = (await Promise.all(versions.map((version) => listFiles(world.distributor.call, version)))).flat();
    const countThere = (): number =>
      files.filter((file) => digestStored(world.sim, old.bucket, file.key) === file.sha256).length;
    await world.passUntil(async () => countThere() === files.length, 90 * MINUTE_MS);
    for (const version of versions) await compare(world, old.bucket, version);
    return {
      told: [
        `It cannot answer a probe. ${countThere()} of ${files.length} current files were sent to it anyway.`,
        "It sends no receipts, so an operator checks: stackyard artifacts verify",
      ],
      faults: findBroken({
        "it has everything": countThere() === files.length,
        "it could read every message": old.unreadable.length === 0,
      }),
    };
  },
};

/** Tells the distributor what lies in the bucket, as `stackyard artifacts verify` does. */
async function compare(world: World, bucket: string, version: Version): Promise<void> {
  const { account, region } = PREDECESSOR;
  const files = await listFiles(world.distributor.call, version);
  const seen = files.map(({ key }) => ({ key, sha256: digestStored(world.sim, bucket, key) }));
  await world.distributor.call({ op: "compare", account, region, ...version, bucket, seen });
}

function textAt({ sim }: World, bucket: string, key: string): string | undefined {
  return sim.s3.findObject(bucket, key)?.body.toString();
}

/** Returns the present version of the same key. */
async function findNewest({ distributor, passUntil }: World, { name, version }: Version): Promise<Version> {
  const load = async () =>
    (await distributor.call({ op: "list", name })).items.find((item) => item.version !== version);
  await passUntil(async () => (await load()) !== undefined, 10 * MINUTE_MS);
  return { name, version: (await load())?.version ?? "" };
}

async function sign({ clients, yard }: World, key: string): Promise<string> {
  const s3 = new S3Client({ region: DISTRIBUTOR.region, credentials: clients.credentials });
  const command = new GetObjectCommand({ Bucket: SOURCE_BUCKET, Key: key });
  return getSignedUrl(s3, command, { expiresIn: 3_600, signingDate: new Date(yard.clock.now()) });
}

function toAll() {
  const all = { DataType: "String", StringValue: "ALL" };
  return { account: all, region: all };
}
