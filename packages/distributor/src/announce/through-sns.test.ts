import { SNSClient } from "@aws-sdk/client-sns";
import { createSimPlugin } from "@stackyard/aws-sim";
import { decideMessage } from "@stackyard/consumer";
import { describe, expect, it } from "vitest";
import { createPublisher } from "../publish/create-publisher.ts";
import { BUCKET, createSource } from "../testing/a-source.ts";
import { aManifest } from "../testing/an-artifact.ts";
import { createUrlSigner } from "../urls/url-signer.ts";
import { createAnnouncer } from "./create-announcer.ts";

const SOURCE = { account: "111122223333", region: "eu-west-1", bucket: BUCKET };
const PLACE = { account: "444455556666", region: "eu-central-1" };

function createWorld() {
  const source = createSource();
  const { sim, clock } = source;
  const topicArn = sim.sns.addTopic({ account: SOURCE.account, region: SOURCE.region, name: "artifacts" });
  const own = sim.iam.addUser({ account: SOURCE.account, name: "signer" });
  const sns = new SNSClient({ region: SOURCE.region, credentials: own, maxAttempts: 1 });
  sns.middlewareStack.use(createSimPlugin(sim));
  const signer = createUrlSigner({ ...SOURCE, credentials: async () => own, clock });
  const announcer = createAnnouncer({ sns, signer, topicArn, source: SOURCE, clock });
  const publisher = createPublisher({ ...source, announcer, bucket: BUCKET, prefix: "" });
  const config = { ...PLACE, topicArn, sourceBucket: BUCKET, sourceRegion: SOURCE.region };

  /** What the topic brings a consumer, and what it makes of it. */
  const decide = () =>
    sim.sns.published(topicArn).map(({ messageId, body, attributes }) => {
      const told = Object.entries(attributes).map(([name, stringValue]) => [name, { stringValue, dataType: "String" }]);
      const record = { messageId, body, messageAttributes: Object.fromEntries(told) };
      return decideMessage(record, config, clock.now(), () => undefined);
    });
  return { ...source, publisher, announcer, decide };
}

describe("a publication through a topic", () => {
  it("brings consumers what they copy, by URLs that give the files", async () => {
    const { sim, publisher, put, putManifest, decide } = createWorld();
    const keys = ["a b+c.zip", "ü/100%.zip", "x&y=z.zip"].map((name) => `billing-api/1.4.2/${name}`);
    const files = await Promise.all(keys.map((key) => put(key, `content of ${key}`)));

    await publisher.onManifest(await putManifest(aManifest({ files })));

    const decisions = decide();
    expect(decisions.map(({ kind }) => kind)).toEqual(["copy", "copy", "copy"]);
    const texts = decisions.map(async (decision) => {
      const url = decision.kind === "copy" ? decision.message.ArtifactUrl : undefined;
      return (await sim.fetch(url ?? "")).text();
    });
    expect(await Promise.all(texts)).toEqual(keys.map((key) => `content of ${key}`));
  });

  it("gives the version that was published, whatever was put there since", async () => {
    const { sim, publisher, put, putManifest, decide } = createWorld();
    const place = await putManifest(aManifest({ files: [await put("billing-api/1.4.2/a.zip", "first")] }));
    await put("billing-api/1.4.2/a.zip", "later").then(() => put("billing-api/1.4.2/a.zip", "first"));

    await publisher.onManifest(place);

    const [decision] = decide();
    const url = decision?.kind === "copy" ? decision.message.ArtifactUrl : undefined;
    await put("billing-api/1.4.2/a.zip", "again");
    expect(await (await sim.fetch(url ?? "")).text()).toBe("first");
  });

  it("is taken by the topic in batches, with the longest names too", async () => {
    const { clock, publisher, put, putManifest, decide } = createWorld();
    const [name, version] = ["n".repeat(128), "v".repeat(64)];
    const files = await Promise.all(
      Array.from({ length: 20 }, (_, index) => put(`${name}/${version}/${index}${"é".repeat(410)}`, "x")),
    );

    const published = publisher.onManifest(await putManifest(aManifest({ name, version, files })));
    while (decide().length < 20) await clock.advance(100);

    expect((await published).kind).toBe("published");
    expect(decide().every(({ kind }) => kind === "copy")).toBe(true);
  });
});
