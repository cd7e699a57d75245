import {
  type BatchResultErrorEntry,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  SNSClient,
} from "@aws-sdk/client-sns";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createPace } from "../fan-out/pace.ts";
import { aFile, anArtifact, SHA256 } from "../testing/an-artifact.ts";
import type { UrlWish } from "../urls/url-signer.ts";
import { type AnnouncerOptions, createAnnouncer } from "./create-announcer.ts";

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
      "tells what the topic answers",
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
  it("forgets whom nobody waits for", async () => {
    const clock = createFakeClock();
    const pace = createPace(clock);
    await pace.take(PLACE, 100);
    await clock.advance(5_000);

    expect(await pace.take("ALL", 1)).toBe(clock.now());
  });
});
