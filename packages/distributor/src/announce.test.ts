import {
  type BatchResultErrorEntry,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  SNSClient,
} from "@aws-sdk/client-sns";
import { createSimPlugin } from "@stackyard/aws-sim";
import { decideMessage } from "@stackyard/consumer";
import { createFakeClock, letTimePass } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Announcement,
  type AnnouncementInput,
  type AnnouncerOptions,
  createAnnouncer,
  toAnnouncement,
  toProbe,
  toRetirement,
} from "./announce.ts";
import { createPace } from "./fan-out.ts";
import { createPublisher } from "./publish.ts";
import { BUCKET, createSource } from "./testing/a-source.ts";
import { aFile, aManifest, anArtifact, SHA256 } from "./testing/an-artifact.ts";
import { createUrlSigner, type UrlWish } from "./url-signer.ts";

const PLACE = { account: "444455556666", region: "eu-central-1" };
const OTHER = { account: "777788889999", region: "eu-central-1" };
const SECRET = "X-Amz-Signature=secret";

interface Answer {
  readonly Failed?: BatchResultErrorEntry[];
}
type InitializeMiddleware<Input extends object, Output extends object> = Parameters<
  SNSClient["middlewareStack"]["add"]
>[0] &
  ((next: unknown) => (args: { readonly input: Input }) => Promise<{ output: Output; response: unknown }>);

function createWorld({
  over = {},
  answers = [],
}: {
  over?: Partial<AnnouncerOptions>;
  answers?: readonly (Answer | Error)[];
} = {}) {
  const clock = createFakeClock();
  const sns = new SNSClient({ region: "eu-west-1", credentials: { accessKeyId: "a", secretAccessKey: "s" } });
  const sent: { at: number; bodies: Record<string, unknown>[]; attributes: (string | undefined)[] }[] = [];
  const left = [...answers];
  const answer: InitializeMiddleware<ServiceInputTypes, ServiceOutputTypes> =
    () =>
    async ({ input }) => {
      const next = left.shift() ?? {};
      if (next instanceof Error) throw next;
      const { PublishBatchRequestEntries: entries = [] } = "PublishBatchRequestEntries" in input ? input : {};
      const bodies = entries.map(({ Message }) => JSON.parse(Message ?? ""));
      const attributes = entries.map(({ MessageAttributes: each = {} }) => each["account"]?.StringValue);
      sent.push({ at: clock.now(), bodies, attributes });
      return { output: { $metadata: {}, Successful: [], Failed: [], ...next }, response: {} };
    };
  sns.middlewareStack.add(answer, { step: "initialize" });
  const wishes: UrlWish[] = [];
  const signer = {
    async sign(wish: UrlWish) {
      wishes.push(wish);
      return { url: `https://b.example/${wish.key}?${SECRET}`, expiresAt: clock.now() + wish.wantedSeconds * 1_000 };
    },
  };
  const source = { account: "111122223333", region: "eu-west-1", bucket: "b" };
  const announcer = createAnnouncer({ sns, signer, topicArn: "arn:topic", source, clock, ...over });
  const keys = () => sent.map(({ bodies }) => bodies.map(({ ArtifactKey }) => String(ArtifactKey).split("/").at(-1)));
  return { clock, sent, wishes, announcer, keys };
}

const failed = (...ids: readonly string[]): Answer => ({
  Failed: ids.map((Id) => ({ Id, SenderFault: false, Code: "InternalError" })),
});

describe("createAnnouncer", () => {
  it("sends a message for each file, with a URL of its own, and says how many", async () => {
    const { announcer, sent, wishes, keys } = createWorld({ over: { urlSeconds: 900 } });
    const files = [aFile({ versionId: "v1" }), aFile({ key: "billing-api/1.4.2/b.zip" })];

    const count = await announcer.announce(anArtifact(files), "ALL");

    expect([count, keys()]).toEqual([2, [["app.zip", "b.zip"]]]);
    expect(sent[0]?.attributes).toEqual(["ALL", "ALL"]);
    expect(wishes).toEqual([
      { key: "billing-api/1.4.2/app.zip", versionId: "v1", wantedSeconds: 900 },
      { key: "billing-api/1.4.2/b.zip", wantedSeconds: 900 },
    ]);
  });

  it("signs the manifest too for files in parts", async () => {
    const { announcer, sent, wishes } = createWorld();
    const artifact = { ...anArtifact([aFile({ parts: [{ size: 1_234, sha256: SHA256 }] })]), manifestVersionId: "m1" };

    await announcer.announce(artifact, PLACE);

    expect(wishes[1]).toEqual({ key: "billing-api/1.4.2/manifest.json", versionId: "m1", wantedSeconds: 3_600 });
    expect(sent[0]?.bodies[0]).toMatchObject({
      manifest: { url: expect.stringContaining("manifest.json") },
      target: PLACE,
    });
  });

  it("signs nothing where consumers read by identity, unless the file's version is not known", async () => {
    const { announcer, wishes } = createWorld({ over: { transfer: "identity" } });
    const files = [aFile({ versionId: "v1" }), aFile({ key: "billing-api/1.4.2/b.zip" })];

    await announcer.announce(anArtifact(files), "ALL");

    expect(wishes.map(({ key }) => key)).toEqual(["billing-api/1.4.2/b.zip"]);
  });

  it("makes URLs when they are due, not before", async () => {
    const { announcer, clock, wishes, sent } = createWorld();

    const announced = announcer.announce(anArtifact(25), "ALL");
    await clock.advance(499);
    expect(wishes.length).toBe(10);
    await clock.advance(501);

    expect(await announced).toBe(25);
    expect(sent.map(({ at }) => at - (sent[0]?.at ?? 0))).toEqual([0, 500, 1_000]);
  });

  it("keeps the pace over calls, for each consumer apart", async () => {
    const { announcer, clock, sent } = createWorld();
    const startedAt = clock.now();

    const all = Promise.all([
      announcer.announce(anArtifact(20), PLACE),
      announcer.announce(anArtifact(1), PLACE),
      announcer.announce(anArtifact(1), OTHER),
      announcer.announce(anArtifact(1), "ALL"),
    ]);
    await clock.advance(5_000);
    await all;

    const times = sent.map(({ at, bodies }) => [at - startedAt, Object(bodies[0]?.["target"]).account]);
    expect(times).toEqual([
      [0, PLACE.account],
      [0, OTHER.account],
      [500, PLACE.account],
      [1_000, PLACE.account],
      [1_050, "ALL"],
    ]);
  });

  it("sends again what the topic did not take, and only that", async () => {
    const { announcer, clock, keys } = createWorld({ answers: [failed("1"), failed("0")] });

    const announced = announcer.announce(anArtifact(3), "ALL");
    await clock.advance(60_000);

    expect([await announced, keys()]).toEqual([3, [["0.zip", "1.zip", "2.zip"], ["1.zip"], ["1.zip"]]]);
  });

  it.each([
    ["gives up after six tries", Array.from({ length: 6 }, () => failed("0")), "SERVER_ERROR"],
    [
      "does not repeat what is wrong",
      [{ Failed: [{ Id: "0", SenderFault: true, Code: "InvalidParameter" }] }],
      "CONFIG_INVALID",
    ],
    [
      "reports what the topic answers",
      [Object.assign(new Error("no"), { name: "AuthorizationError", $metadata: { httpStatusCode: 403 } })],
      "FORBIDDEN",
    ],
  ])("%s, without a word of the message", async (_what, answers, code) => {
    const { announcer, clock } = createWorld({ answers });

    const announced = announcer.announce(anArtifact(1), "ALL").catch((error: unknown) => error);
    await clock.advance(60_000);

    const error = await announced;
    expect(error).toMatchObject({ code });
    expect(`${Object(error).message} ${JSON.stringify(Object(error).details)}`).not.toContain(SECRET);
  });

  it("retires and probes one consumer, with the present trace", async () => {
    const { announcer, sent, wishes } = createWorld({ over: { traceparent: () => "00-a-b-01" } });

    const count = await announcer.announceRetirement(anArtifact(1), PLACE);
    await announcer.probe(OTHER);

    expect([count, wishes]).toEqual([1, []]);
    expect(sent.map(({ bodies }) => bodies[0])).toEqual([
      expect.objectContaining({ retire: true, target: PLACE }),
      expect.objectContaining({ artifact: { name: "stackyard.probe" }, target: OTHER }),
    ]);
  });
});

describe("createPace", () => {
  it("drops the record of a place that no call waits for", async () => {
    const clock = createFakeClock();
    const pace = createPace(clock);
    await pace.take(PLACE, 100);
    await clock.advance(5_000);

    expect(await pace.take("ALL", 1)).toBe(clock.now());
  });
});

const NOW = Date.UTC(2026, 10, 20, 6);
const SOURCE = { account: "111122223333", region: "eu-west-1", bucket: "dist-bucket" };

const SIGNATURE =
  "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20261120%2Feu-west-1%2Fs3%2Faws4_request" +
  "&X-Amz-Date=20261120T060000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=00";

function anInput(over: Partial<AnnouncementInput> = {}): AnnouncementInput {
  const file = over.file ?? aFile({ versionId: "v1" });
  const path = file.key.split("/").map(encodeURIComponent).join("/");
  const url = {
    url: `https://dist-bucket.s3.eu-west-1.amazonaws.com/${path}?${SIGNATURE}`,
    expiresAt: NOW + 3_600_000,
  };
  return { artifact: anArtifact([file]), file, target: "ALL", source: SOURCE, url, issuedAt: NOW, ...over };
}

/** How a consumer reads it: it receives the attributes separately from the body. */
function evaluate({ body, attributes }: Announcement, retire = false) {
  const messageAttributes = Object.fromEntries(
    Object.entries(attributes).map(([name, stringValue]) => [name, { stringValue, dataType: "String" }]),
  );
  const config = { ...PLACE, topicArn: "t", sourceBucket: SOURCE.bucket, sourceRegion: SOURCE.region, retire };
  return decideMessage({ messageId: "m", body, messageAttributes }, config, NOW, () => undefined);
}

describe("toAnnouncement", () => {
  it("says with which headers the file is served", () => {
    const headers = { contentEncoding: "gzip" };
    const input = anInput();

    const { body } = toAnnouncement({ ...input, file: { ...input.file, headers } });

    expect(JSON.parse(body).artifact).toMatchObject({ headers });
  });

  it("says everything of one file, and is filtered by account and region", () => {
    const input = anInput({ traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" });

    const { body, attributes } = toAnnouncement(input);

    expect(JSON.parse(body)).toEqual({
      ArtifactKey: "billing-api/1.4.2/app.zip",
      ArtifactUrl: input.url?.url,
      v: 2,
      distributionId: "6a1f5f0e-0000-4000-8000-000000000001",
      sequence: 1_042,
      issuedAt: "2026-11-20T06:00:00.000Z",
      urlExpiresAt: "2026-11-20T07:00:00.000Z",
      artifact: {
        name: "billing-api",
        version: "1.4.2",
        size: 1_234,
        sha256: SHA256,
        contentType: "application/zip",
        rewrite: "none",
      },
      source: { ...SOURCE, versionId: "v1" },
      target: { account: "ALL", region: "ALL" },
      manifest: { key: "billing-api/1.4.2/manifest.json", sha256: SHA256 },
    });
    expect(attributes).toEqual({
      account: "ALL",
      region: "ALL",
      v: "2",
      artifact: "billing-api@1.4.2",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
  });

  it("is for one consumer where that is named", () => {
    const { body, attributes } = toAnnouncement(anInput({ target: PLACE }));

    expect([JSON.parse(body).target, attributes]).toEqual([PLACE, expect.objectContaining(PLACE)]);
  });

  it("has a URL of the manifest for files in parts, and ends with the first of the two", () => {
    const manifestUrl = { url: "https://m.example/", expiresAt: NOW + 60_000 };

    const body = JSON.parse(toAnnouncement(anInput({ manifestUrl })).body);

    expect([body.manifest.url, body.urlExpiresAt]).toEqual(["https://m.example/", "2026-11-20T06:01:00.000Z"]);
  });

  it("has no URL where none is given, and is copied by identity then", () => {
    const { url: _, ...input } = anInput();

    const announcement = toAnnouncement(input);

    expect(JSON.parse(announcement.body)).not.toHaveProperty("ArtifactUrl");
    expect(evaluate(announcement).kind).toBe("copy");
  });

  it("is copied by consumers of both versions, and stays small, whatever the file is called", () => {
    const name = fc
      .string({ minLength: 1, maxLength: 200, unit: "grapheme" })
      .filter((text) => !/[\\/%\p{Cc}]/u.test(text));
    const target = fc.constantFrom("ALL" as const, PLACE);
    const versionId = fc.string({ minLength: 1, maxLength: 1_024, unit: "grapheme-ascii" });
    fc.assert(
      fc.property(name, target, versionId, (text, to, id) => {
        const file = aFile({ key: `billing-api/1.4.2/_${text}`, versionId: id });

        const announcement = toAnnouncement(anInput({ file, target: to }));

        expect(evaluate(announcement).kind).toBe("copy");
        const { ArtifactKey, ArtifactUrl } = JSON.parse(announcement.body);
        expect([ArtifactKey, typeof ArtifactUrl]).toEqual([file.key, "string"]);
        expect(Buffer.byteLength(announcement.body)).toBeLessThan(24_576);
      }),
    );
  });

  it("is rejected where ten of its like would not fit into a batch", () => {
    const url = { url: `https://a.example/${"a".repeat(30_000)}`, expiresAt: NOW };

    expect(() => toAnnouncement(anInput({ url }))).toThrow(expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }));
  });
});

describe("toRetirement", () => {
  it("names the file and has no URL", () => {
    const { url: _, ...input } = anInput({ target: PLACE });

    const retirement = toRetirement(input);

    expect(evaluate(retirement, true).kind).toBe("retire");
    const body = JSON.parse(retirement.body);
    expect(body).toMatchObject({ retire: true, ArtifactKey: "billing-api/1.4.2/app.zip", target: PLACE });
    expect(body).not.toHaveProperty("ArtifactUrl");
  });
});

describe("a retirement from a bucket without versions", () => {
  it("is read too", () => {
    const { url: _, ...input } = anInput({ target: PLACE, file: aFile() });

    expect(evaluate(toRetirement(input), true).kind).toBe("retire");
  });
});

describe("toProbe", () => {
  it("is answered without anything being copied", () => {
    const probe = toProbe({ target: PLACE, issuedAt: NOW, distributionId: "d" });

    expect(JSON.parse(probe.body)).toEqual({
      v: 2,
      distributionId: "d",
      issuedAt: "2026-11-20T06:00:00.000Z",
      artifact: { name: "stackyard.probe" },
      target: PLACE,
    });
    expect(evaluate(probe)).toMatchObject({ kind: "skip", code: "PROBE" });
  });
});

const SNS_SOURCE = { account: "111122223333", region: "eu-west-1", bucket: BUCKET };

function createSnsFixture() {
  const source = createSource();
  const { sim, clock } = source;
  const topicArn = sim.sns.addTopic({
    account: SNS_SOURCE.account,
    region: SNS_SOURCE.region,
    name: "artifacts",
  });
  const own = sim.iam.addUser({ account: SNS_SOURCE.account, name: "signer" });
  const sns = new SNSClient({ region: SNS_SOURCE.region, credentials: own, maxAttempts: 1 });
  sns.middlewareStack.use(createSimPlugin(sim));
  const signer = createUrlSigner({ ...SNS_SOURCE, credentials: async () => own, clock });
  const announcer = createAnnouncer({ sns, signer, topicArn, source: SNS_SOURCE, clock });
  const publisher = createPublisher({ ...source, announcer, bucket: BUCKET, prefix: "" });
  const config = { ...PLACE, topicArn, sourceBucket: BUCKET, sourceRegion: SNS_SOURCE.region };

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
    const { sim, publisher, put, putManifest, decide } = createSnsFixture();
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
    const { sim, publisher, put, putManifest, decide } = createSnsFixture();
    const place = await putManifest(aManifest({ files: [await put("billing-api/1.4.2/a.zip", "first")] }));
    await put("billing-api/1.4.2/a.zip", "later").then(() => put("billing-api/1.4.2/a.zip", "first"));

    await publisher.onManifest(place);

    const [decision] = decide();
    const url = decision?.kind === "copy" ? decision.message.ArtifactUrl : undefined;
    await put("billing-api/1.4.2/a.zip", "again");
    expect(await (await sim.fetch(url ?? "")).text()).toBe("first");
  });

  it("is taken by the topic in batches, with the longest names too", async () => {
    const { clock, publisher, put, putManifest, decide } = createSnsFixture();
    const [name, version] = ["n".repeat(128), "v".repeat(64)];
    const files = await Promise.all(
      Array.from({ length: 20 }, (_, index) => put(`${name}/${version}/${index}${"é".repeat(410)}`, "x")),
    );

    const place = await putManifest(aManifest({ name, version, files }));
    const published = await letTimePass(clock, publisher.onManifest(place));

    expect(published.kind).toBe("published");
    expect(decide().map(({ kind }) => kind)).toEqual(files.map(() => "copy"));
  });
});
