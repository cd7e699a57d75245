import { Readable } from "node:stream";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { createS3Records } from "@stackyard/aws/s3";
import { answerS3, type DoorRequest, openFrontDoor } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { afterEach, describe, expect, it } from "vitest";
import { anAnnouncement, createACopier, digest, serve, someBytes, TARGET } from "../testing/a-copier.ts";
import { aUrl, KEY } from "../testing/a-message.ts";
import type { CopyOutcome } from "./copier.ts";
import { createCopyMemory } from "./copy-memory.ts";

const PART = 5 * 1_024 ** 2;
const LARGE = someBytes(PART + 1_000);
const SMALL = Buffer.from("the artifact");
const MANIFEST_KEY = "billing-api/1.4.2/manifest.json";
const MANIFEST = Buffer.from(
  JSON.stringify({
    files: [
      {
        key: KEY,
        size: LARGE.length,
        sha256: digest(LARGE),
        parts: [LARGE.subarray(0, PART), LARGE.subarray(PART)].map((part) => ({
          size: part.length,
          sha256: digest(part),
        })),
      },
    ],
  }),
);
const LARGE_MESSAGE = {
  ...anAnnouncement(LARGE),
  manifest: { key: MANIFEST_KEY, sha256: digest(MANIFEST), url: aUrl({}, `/${MANIFEST_KEY}`) },
};

type HttpAnswer = Awaited<ReturnType<ReturnType<typeof answerS3>>>;
type Operation = "put" | "head" | "begin" | "part" | "complete" | "abort" | "other";

function toOperation({ method, path }: DoorRequest): Operation {
  if (!path.includes(KEY)) return "other";
  if (method === "HEAD") return "head";
  if (method === "POST") return path.includes("uploadId=") ? "complete" : "begin";
  if (method === "DELETE") return "abort";
  return path.includes("partNumber=") ? "part" : "put";
}

/** What the bucket answers; `after`: once it has processed the request. */
interface Trouble {
  readonly on: Operation;
  readonly answer: HttpAnswer;
  readonly after?: boolean;
  /** Default: once. */
  readonly times?: number;
}

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A consumer whose bucket is reached over HTTP, and answers in some way where it is troubled. */
async function createWorld(bytes: Buffer, trouble?: Trouble) {
  const world = createACopier();
  const { sim, clock } = world;
  const plain = answerS3(sim);
  let left = trouble?.times ?? 1;
  const s3: typeof plain = async (request) => {
    if (trouble === undefined || toOperation(request) !== trouble.on || left === 0) return plain(request);
    left -= 1;
    if (trouble.after === true) await plain(request);
    return trouble.answer;
  };
  const door = await openFrontDoor({ services: { s3 }, others: "http://127.0.0.1:1" });
  const credentials = sim.iam.addUser({ account: TARGET.account, name: "over HTTP" });
  const client = new S3Client({
    endpoint: door.url,
    region: TARGET.region,
    credentials,
    maxAttempts: 1,
    logger: silentLogger,
  });
  ends.push(door.stop, () => client.destroy());
  const records = createS3Records({ client: world.client, bucket: TARGET.bucket, prefix: ".stackyard/", clock });
  const copier = world.create({
    fetch: serve({ [KEY]: bytes, [MANIFEST_KEY]: MANIFEST }),
    target: { ...TARGET, client },
    memory: createCopyMemory(records, clock),
    partsAtOnce: 1,
  });
  const message = bytes === SMALL ? anAnnouncement(SMALL) : LARGE_MESSAGE;
  async function deliver(attempt: number): Promise<string> {
    const outcome = await copier.copy({ message, attempt });
    const stored = sim.s3.findObject(TARGET.bucket, KEY)?.body;
    expect(stored === undefined || stored.equals(bytes)).toBe(true);
    expect(JSON.stringify(outcome)).not.toContain("X-Amz");
    return toText(outcome);
  }
  return { client: world.client, copier, sim, deliver, uploads: () => sim.s3.uploads(TARGET.bucket) };
}

function toText(outcome: CopyOutcome): string {
  return "code" in outcome ? `${outcome.kind} ${outcome.code}` : outcome.kind;
}

function refusal(status: number, code: string): HttpAnswer {
  return {
    status,
    headers: { "content-type": "application/xml" },
    body: Buffer.from(`<Error><Code>${code}</Code></Error>`),
  };
}

/** The connection breaks in the middle of an answer. */
function broken(): HttpAnswer {
  const stream = Readable.from(failing(), { objectMode: false });
  return { status: 200, headers: { "content-length": "100" }, body: Buffer.from("<"), stream };
}

// biome-ignore lint/correctness/useYield: it fails before it yields anything.
async function* failing(): AsyncGenerator<Uint8Array> {
  throw new Error("broken");
}

const empty = (status: number): HttpAnswer => ({ status, headers: {}, body: Buffer.alloc(0) });
const html = (status: number): HttpAnswer => ({ ...empty(status), body: Buffer.from("<html><body>Bad gateway") });

describe("a bucket that does not take a small file", () => {
  it.each<[string, Trouble, string]>([
    ["when an earlier object has been deleted", { on: "put", answer: refusal(412, "PreconditionFailed") }, "stored"],
    [
      "while others write all the time",
      { on: "put", times: 3, answer: refusal(412, "PreconditionFailed") },
      "retry TARGET_UNAVAILABLE",
    ],
    [
      "while another process writes",
      { on: "put", answer: refusal(409, "ConditionalRequestConflict") },
      "retry TARGET_UNAVAILABLE",
    ],
    ["because it is busy", { on: "put", answer: refusal(503, "SlowDown") }, "retry TARGET_UNAVAILABLE"],
    ["because it has a fault", { on: "put", answer: refusal(500, "InternalError") }, "retry TARGET_UNAVAILABLE"],
    ["because a proxy has one", { on: "put", answer: html(502) }, "retry TARGET_UNAVAILABLE"],
    [
      "because the credentials have expired",
      { on: "put", answer: refusal(400, "ExpiredToken") },
      "retry TARGET_UNAVAILABLE",
    ],
    [
      "because the credentials are new",
      { on: "put", answer: refusal(403, "InvalidAccessKeyId") },
      "retry TARGET_UNAVAILABLE",
    ],
    [
      "because our clock is wrong",
      { on: "put", answer: refusal(403, "RequestTimeTooSkewed") },
      "retry TARGET_UNAVAILABLE",
    ],
    [
      "because bytes came too slowly",
      { on: "put", answer: refusal(400, "RequestTimeout") },
      "retry TARGET_UNAVAILABLE",
    ],
    ["because bytes changed on the way", { on: "put", answer: refusal(400, "BadDigest") }, "retry SHA256_MISMATCH"],
    ["because it is not allowed", { on: "put", answer: refusal(403, "AccessDenied") }, "retry TARGET_DENIED"],
    ["because the bucket does not exist", { on: "put", answer: refusal(404, "NoSuchBucket") }, "retry TARGET_DENIED"],
    ["because it is elsewhere", { on: "put", answer: refusal(301, "PermanentRedirect") }, "retry TARGET_DENIED"],
    ["because it is elsewhere now", { on: "put", answer: refusal(307, "TemporaryRedirect") }, "retry TARGET_DENIED"],
    [
      "because the key is disabled",
      { on: "put", answer: refusal(400, "KMS.DisabledException") },
      "retry TARGET_DENIED",
    ],
    ["and breaks the connection", { on: "put", answer: broken() }, "retry TARGET_UNAVAILABLE"],
  ])("%s", async (_why, trouble, expected) => {
    const { deliver } = await createWorld(SMALL, trouble);

    const outcomes = [await deliver(1), await deliver(2)];

    expect(outcomes).toEqual([expected, expected === "stored" ? "present" : "stored"]);
  });

  it("but has taken it, and its answer is lost", async () => {
    const { deliver } = await createWorld(SMALL, { on: "put", after: true, answer: refusal(503, "SlowDown") });

    expect([await deliver(1), await deliver(2)]).toEqual(["retry TARGET_UNAVAILABLE", "present"]);
  });
});

describe("a bucket that does not take a large file", () => {
  it.each<[string, Trouble, string]>([
    ["and may not be read", { on: "head", answer: empty(403) }, "retry TARGET_DENIED"],
    ["and is too busy to be read", { on: "head", answer: empty(503) }, "retry TARGET_UNAVAILABLE"],
    ["for no upload begins", { on: "begin", answer: refusal(503, "SlowDown") }, "retry TARGET_UNAVAILABLE"],
    ["for none may begin", { on: "begin", answer: refusal(403, "AccessDenied") }, "retry TARGET_DENIED"],
    [
      "because the upload is gone at a part",
      { on: "part", answer: refusal(404, "NoSuchUpload") },
      "retry TARGET_UNAVAILABLE",
    ],
    ["because it is busy at a part", { on: "part", answer: refusal(503, "SlowDown") }, "retry TARGET_UNAVAILABLE"],
    [
      "because the credentials expire at a part",
      { on: "part", answer: refusal(400, "ExpiredToken") },
      "retry TARGET_UNAVAILABLE",
    ],
    ["because a part changed on its way", { on: "part", answer: refusal(400, "BadDigest") }, "retry SHA256_MISMATCH"],
    ["because the connection breaks at a part", { on: "part", answer: broken() }, "retry TARGET_UNAVAILABLE"],
    ["because a part is lost", { on: "complete", answer: refusal(400, "InvalidPart") }, "retry TARGET_UNAVAILABLE"],
    [
      "because the upload is gone at the end",
      { on: "complete", answer: refusal(404, "NoSuchUpload") },
      "retry TARGET_UNAVAILABLE",
    ],
    [
      "because another process writes",
      { on: "complete", answer: refusal(409, "ConditionalRequestConflict") },
      "retry TARGET_UNAVAILABLE",
    ],
    [
      "because of an internal error that it reports late",
      { on: "complete", answer: refusal(200, "InternalError") },
      "retry TARGET_UNAVAILABLE",
    ],
    ["and says nothing of it", { on: "complete", answer: empty(200) }, "retry TARGET_UNAVAILABLE"],
    ["and breaks off", { on: "complete", answer: broken() }, "retry TARGET_UNAVAILABLE"],
    [
      "when an earlier object has been deleted",
      { on: "complete", answer: refusal(412, "PreconditionFailed") },
      "stored",
    ],
  ])("%s", async (_why, trouble, expected) => {
    const { deliver, uploads } = await createWorld(LARGE, trouble);

    const outcomes = [await deliver(1), await deliver(2)];

    expect(outcomes).toEqual([expected, expected === "stored" ? "present" : "stored"]);
    expect(uploads()).toEqual([]);
  });

  it.each([
    ["is lost", refusal(503, "SlowDown")],
    ["breaks off", broken()],
    ["is a fault", refusal(200, "InternalError")],
  ])("but has put it together, and its answer %s", async (_how, answer) => {
    const { deliver, uploads } = await createWorld(LARGE, { on: "complete", after: true, answer });

    expect([await deliver(1), await deliver(2)]).toEqual(["retry TARGET_UNAVAILABLE", "present"]);
    expect(uploads()).toEqual([]);
  });

  it.each([
    ["the same file", LARGE, "present"],
    ["another file of the same version", SMALL, "rejected VERSION_CONFLICT"],
  ])("but has %s meanwhile", async (_what, Body, expected) => {
    const { sim, client, copier, uploads } = await createWorld(LARGE);
    sim.once("S3.UploadPart", async (proceed) => {
      const Metadata = { "stackyard-sha256": digest(Body), "stackyard-version": "1.4.2" };
      await client.send(new PutObjectCommand({ Bucket: TARGET.bucket, Key: KEY, Body, Metadata }));
      return proceed();
    });

    expect(toText(await copier.copy({ message: LARGE_MESSAGE }))).toBe(expected);
    expect([sim.s3.findObject(TARGET.bucket, KEY)?.body.equals(Body), uploads()]).toEqual([true, []]);
  });
});
